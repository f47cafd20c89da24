import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import { untilStored } from "./until-stored.ts";

/** Work that fails with these codes, one after the other, and then succeeds. */
function setUp(...codes: readonly ErrorCode[]) {
  const attempts: number[] = [];
  const told: ErrorCode[] = [];
  const waits: number[] = [];
  const stop = new AbortController();
  const run = (isWanted: () => boolean): Promise<void> =>
    untilStored(
      async () => {
        const code = codes[attempts.length];
        attempts.push(attempts.length);
        if (code !== undefined) throw new SelvedgeError(code, "trouble");
      },
      {
        isWanted,
        signal: stop.signal,
        sleep: async (ms) => void waits.push(ms),
        onTrouble: ({ code }) => told.push(code),
      },
    );
  return { attempts, run, stop, told, waits };
}

test("what a full disk refuses is tried again, less and less often", async () => {
  const { attempts, run, told, waits } = setUp("resource_exhausted", "unavailable", "resource_exhausted");
  await run(() => true);
  assert.equal(attempts.length, 4);
  assert.deepEqual(told, ["resource_exhausted", "unavailable", "resource_exhausted"]);
  assert.deepEqual(waits, [1_000, 2_000, 4_000]);
});

test("it ends when it is not wanted any more, and when told to", async () => {
  const unwanted = setUp("unavailable", "unavailable");
  await unwanted.run(() => false);
  assert.equal(unwanted.attempts.length, 1);
  const stopped = setUp("unavailable", "unavailable");
  stopped.stop.abort();
  await stopped.run(() => true);
  assert.equal(stopped.attempts.length, 1);
});

test("any other error is the caller's", async () => {
  const { attempts, run } = setUp("failed_precondition");
  await assert.rejects(
    run(() => true),
    { code: "failed_precondition" },
  );
  assert.equal(attempts.length, 1);
});
