import assert from "node:assert/strict";
import { test } from "node:test";
import type { FuzzDone, FuzzRequest } from "./fuzz-child.ts";
import { tryTarget } from "./try-target.ts";
import type { FuzzCut } from "./watch-child.ts";

const done: FuzzDone = { kind: "done", accepted: 30, refused: 70, residentBytes: 52_428_800 };

/** Tries a target whose runs end like this, one after the other. */
async function tried(...ends: readonly (FuzzDone | FuzzCut)[]) {
  const requests: FuzzRequest[] = [];
  const watch = async (_file: string, request: FuzzRequest): Promise<FuzzDone | FuzzCut> => {
    requests.push(request);
    return ends[requests.length - 1] ?? assert.fail("run too often");
  };
  return { outcome: await tryTarget("csv", "csv.fuzz.ts", { inputs: 5_000, from: 100 }, watch), requests };
}

function cutAt(number: number): FuzzCut {
  const last = { kind: "trying", number, accepted: 10, refused: 20, residentBytes: 1_048_576 } as const;
  return { why: "the decoder hangs", last };
}

test("a target without a finding is counted", async () => {
  const { seconds: _, ...outcome } = (await tried(done)).outcome;
  assert.deepEqual(outcome, { target: "csv", inputs: 100, accepted: 30, refused: 70, residentMiB: 50 });
});

test("an error names the input that shows it again", async () => {
  const finding = { number: 117, input: "AAA=", error: "TypeError: x" };
  assert.equal(
    (await tried({ ...done, finding })).outcome.finding,
    "TypeError: x\n  input, base64: AAA=\n  again: npm run fuzz -- csv --inputs 1 --from 117",
  );
});

test("the input at which a decoder hangs is found between two reports", async () => {
  const { outcome, requests } = await tried(cutAt(600), cutAt(613));
  assert.match(outcome.finding ?? "", /^the decoder hangs\n.*--inputs 1 --from 613$/);
  assert.deepEqual(requests[1], { inputs: 1_000, from: 600, everyNumber: true });
  assert.equal(outcome.inputs, 30);
});

test("what does not come again from the last report on is told all the same", async () => {
  const { outcome } = await tried(cutAt(600), done);
  assert.match(outcome.finding ?? "", /^the decoder hangs after 500 inputs.*\n.*--inputs 5000 --from 100$/);
});
