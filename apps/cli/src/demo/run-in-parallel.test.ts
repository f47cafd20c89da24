import assert from "node:assert/strict";
import { test } from "node:test";
import { runInParallel } from "./run-in-parallel.ts";

test("each lane works on one item at a time, and results keep the order of the items", async () => {
  const busy = new Set<string>();
  const results = await runInParallel([3, 1, 2, 0], ["a", "b"], async (item, lane, index) => {
    assert.ok(!busy.has(lane), lane);
    busy.add(lane);
    for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
    busy.delete(lane);
    return item * 10 + index;
  });
  assert.deepEqual(results, [30, 11, 22, 3]);
});

test("after a failure no lane takes another item", async () => {
  const taken: number[] = [];
  const gate = Promise.withResolvers<void>();
  const work = runInParallel([0, 1, 2, 3], ["a", "b"], async (item) => {
    taken.push(item);
    if (item === 0) throw new Error("broken");
    await gate.promise;
  });
  await assert.rejects(work, /broken/);
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(taken, [0, 1]);
});
