import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { Reauthoriser } from "./reauthoriser.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const trace: string[] = [];
  const refused = new Set<string>();
  const reauthoriser = new Reauthoriser<string>(3_600_000);
  const watch = (principal: string, since = reauthoriser.rechecks) =>
    reauthoriser.watch(
      {
        principal,
        async check() {
          trace.push(`check ${principal}`);
          if (refused.has(principal))
            throw new SelvedgeError("permission_denied", `${principal} was revoked`);
        },
        onRevoked: (error) => void trace.push(error.message),
      },
      since,
    );
  return { trace, refused, reauthoriser, watch };
}

test("[SE8] a recheck may be of some callers only, and ends what is refused, once", async () => {
  const { trace, refused, reauthoriser, watch } = setUp();
  watch("a");
  watch("b");
  const stop = watch("c");
  stop();
  refused.add("a");
  await reauthoriser.recheck((principal) => principal === "a");
  assert.deepEqual(trace.splice(0), ["check a", "a was revoked"]);
  await reauthoriser.recheck();
  assert.deepEqual(trace, ["check b"]);
  reauthoriser.stop();
});

test("[SE8] what ended before its turn in a recheck is left alone", async () => {
  const { trace, reauthoriser, watch } = setUp();
  const stops = Array.from({ length: 300 }, (_, index) => watch(String(index)));
  const rechecked = reauthoriser.recheck();
  stops[299]?.();
  await rechecked;
  assert.equal(trace.length, 299);
  reauthoriser.stop();
});

test("[SE8] what began before a recheck, and lasts only after it, is checked at once", async () => {
  const { trace, refused, reauthoriser, watch } = setUp();
  const since = reauthoriser.rechecks;
  refused.add("a");
  await reauthoriser.recheck((principal) => principal === "a");
  assert.deepEqual(trace, []);
  watch("a", since);
  await settled();
  assert.deepEqual(trace.splice(0), ["check a", "a was revoked"]);
  watch("b");
  await settled();
  assert.deepEqual(trace, []);
  reauthoriser.stop();
});
