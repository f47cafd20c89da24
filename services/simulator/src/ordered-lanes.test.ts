import assert from "node:assert/strict";
import { test } from "node:test";
import { OrderedLanes } from "./ordered-lanes.ts";

test("tasks are finished in the order they came, whichever lane is quicker, and nothing is started far ahead", async () => {
  const waiting = new Map<number, () => void>();
  const finished: number[] = [];
  let startedMax = 0;
  const lanes = new OrderedLanes<number, string, number>(["a", "b"], {
    start: async (task) => {
      startedMax = Math.max(startedMax, task - finished.length);
      if (task === 0) await new Promise<void>((resolve) => waiting.set(task, resolve));
      return task;
    },
    finish: async (results) => {
      finished.push(...results);
    },
  });
  for (let task = 0; task < 50; task += 1) lanes.add(task);
  // The other lane goes on as far as it may while the first task takes its time.
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  assert.deepEqual(finished, []);
  waiting.get(0)?.();
  await lanes.settled();
  assert.deepEqual(
    finished,
    Array.from({ length: 50 }, (_, task) => task),
  );
  assert.ok(startedMax < 20, `${startedMax} ahead`);
  assert.equal(lanes.isBusy, false);
});

test("what keeps one task from its end ends the wait for all", async () => {
  const lanes = new OrderedLanes<number, string, number>(["a"], {
    start: async (task) => {
      if (task === 1) throw new Error("lost");
      return task;
    },
    finish: async () => {},
  });
  for (const task of [0, 1, 2]) lanes.add(task);
  await assert.rejects(lanes.settled(), { message: "lost" });
  await assert.rejects(lanes.settled(), { message: "lost" });
});
