import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { InferRequest } from "../tensors/infer-request.ts";
import { batchLength } from "./batch.ts";
import { type BatchPolicy, checkBatchPolicy, nextBatch } from "./batch-policy.ts";

const waiting = fc.array(fc.integer({ min: 1, max: 5 }).map(rowsRequest), { minLength: 1, maxLength: 12 });
const policy: fc.Arbitrary<BatchPolicy> = fc.integer({ min: 1, max: 16 }).chain((rowsMax) =>
  fc.record({
    rowsMax: fc.constant(rowsMax),
    preferredRows: fc.uniqueArray(fc.integer({ min: 1, max: rowsMax }), { maxLength: 3 }),
    delayUs: fc.constantFrom(0, 500, 2_000),
  }),
);
const waitedMs = fc.double({ min: 0, max: 3, noNaN: true });

test("[SV20] a batch runs once its oldest request has waited as long as it may, or at once where none may wait", () => {
  fc.assert(
    fc.property(waiting, policy, waitedMs, (requests, given, waited) => {
      const decision = nextBatch(requests, waited, given);
      if (given.delayUs > 0 && waited < given.delayUs / 1_000) return;
      assert.ok("take" in decision);
      if (given.delayUs > 0 || given.preferredRows.length === 0) {
        assert.equal(decision.take, batchLength(requests, given.rowsMax));
      }
    }),
  );
});

test("[SV20] before that it runs when it is of the largest preferred size to be had, or cannot grow; else it waits", () => {
  fc.assert(
    fc.property(waiting, policy, waitedMs, (requests, given, waited) => {
      const { rowsMax, preferredRows, delayUs } = given;
      fc.pre(waited < delayUs / 1_000);
      const decision = nextBatch(requests, waited, given);
      const fitting = batchLength(requests, rowsMax);
      const sizes = requests.slice(0, fitting).map((_, index) => rowsIn(requests.slice(0, index + 1)));
      const best = sizes.findLastIndex((size) => preferredRows.includes(size));
      const enough = preferredRows.length === 0 ? rowsMax : Math.max(...preferredRows);
      if (best >= 0) assert.deepEqual(decision, { take: best + 1 });
      else if (fitting < requests.length || (sizes.at(-1) ?? 0) >= enough)
        assert.deepEqual(decision, { take: fitting });
      else assert.deepEqual(decision, { waitMs: delayUs / 1_000 - waited });
    }),
  );
});

test("what cannot be kept is refused", () => {
  const good = { rowsMax: 8, preferredRows: [4, 8], delayUs: 100 };
  checkBatchPolicy(good);
  for (const wrong of [
    { rowsMax: 0 },
    { preferredRows: [9] },
    { preferredRows: [0.5] },
    { delayUs: -1 },
    { delayUs: 1e8 },
  ]) {
    assert.throws(() => checkBatchPolicy({ ...good, ...wrong }), { code: "invalid_argument" });
  }
});

function rowsRequest(rows: number): InferRequest {
  const feeds = { x: { type: "uint8", dims: [rows], data: new Uint8Array(rows) } } as const;
  return { id: undefined, feeds, fetches: ["x"], binary: new Set(), timeoutUs: undefined };
}

function rowsIn(requests: readonly InferRequest[]): number {
  return requests.reduce((sum, { feeds }) => sum + (feeds.x?.dims[0] ?? 0), 0);
}
