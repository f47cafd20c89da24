import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSafetensors, encodeSafetensors, readParameters } from "@selvedge/onnx";
import type { BlobReference } from "@selvedge/protocol";
import { layout, openTestBoard, type TestBoard, type TestBoardOptions } from "./job-board.fixture.ts";
import { Crashes, dead } from "./journal-crashes.fixture.ts";
import { smallModel } from "./plan.fixture.ts";

const devices = { rounds: 1, cohort: 3 };
const median: TestBoardOptions = {
  ...devices,
  plan: { aggregator: { name: "median" }, schedule: { quorum: 3 } },
};

test("[RA1] three updates wait on disk for each other and move the model by their median", async () => {
  const fleet = await openTestBoard(median);
  const { board, blobs, request, submit, idle } = fleet;
  await board.run(request);
  await idle();
  const updates: BlobReference[] = [];
  for (const [device, value] of [
    ["a", 0.25],
    ["b", 0.5],
    ["c", -1_000],
  ] as const) {
    const update = await blobs.put(fileOf(value));
    updates.push(update);
    await submit(device, update);
    await idle();
    if (device !== "c") assert.ok(await blobs.stat(update.digest), "it is kept until all are there");
  }
  await assertMovedBy(fleet, 0.25);
  for (const { digest } of updates) assert.equal(await blobs.stat(digest), undefined);
  await board.stop();
});

test("[RA1] whenever the coordinator dies while the last update comes in and all are combined, each counts once", async () => {
  const done: string[] = [];
  for (let steps = 1; done.at(-1) !== "lived"; steps += 1) {
    const crashes = new Crashes();
    const { hooks } = crashes;
    const fleet = await openTestBoard({ ...median, hooks, onHalt: dead, onTrouble: dead });
    const { board, request, submit, restart, idle } = fleet;
    await board.run(request);
    await idle();
    await submit("a", 0.5);
    await submit("b", 0.25);
    await idle();
    crashes.left = steps;
    const outcome = await submit("c", 100)
      .then(idle)
      .then(
        () => "lived",
        () => "died",
      );
    crashes.left = Number.POSITIVE_INFINITY;
    done.push(outcome);
    const last = outcome === "died" ? await restart() : board;
    await idle();
    if (last.get("digits")?.current?.phase === "collecting") await submit("c", 100);
    await idle();
    await assertMovedBy({ ...fleet, board: last }, 0.5);
    await last.stop();
  }
  assert.ok(done.length > 8, `only ${done.length} steps were tried`);
});

test("[RA4] whom a rule left out is in the round's record", async () => {
  const plan = { aggregator: { name: "norm-filter", robust: { multiple: 2 } }, schedule: { quorum: 3 } };
  const fleet = await openTestBoard({ ...devices, plan });
  const { board, request, submit, idle } = fleet;
  await board.run(request);
  await idle();
  await submit("a", 0.25);
  await submit("b", 2);
  await submit("c", 0.5);
  await idle();
  await assertMovedBy(fleet, 0.375);
  const { members = {} } = board.get("digits")?.last ?? {};
  assert.deepEqual(
    ["a", "b", "c"].map((device) => members[device]?.reason),
    [null, "left out by norm-filter", null],
  );
  assert.equal(board.get("digits")?.last?.measurements?.["norm-filter.leftOut"], 1);
  await board.stop();
});

test("[RA3] a cohort whose updates have no room on the disk is refused, with both figures", async () => {
  const { board, request } = await openTestBoard({ ...median, diskBytesFree: 500 });
  await assert.rejects(board.run(request), {
    code: "resource_exhausted",
    message: /of 3 devices these are 1 MB, and 1 MB are free/,
  });
  await board.stop();
});

test("[OF10] a robust rule with an algorithm whose server sums what devices keep is refused", async () => {
  const training = { algorithm: "scaffold", population: 3 };
  const plan = { ...median.plan, training };
  const { board, request } = await openTestBoard({ ...devices, plan });
  await assert.rejects(board.run(request), {
    message: /"aggregator: median" does not go with "algorithm: scaffold"/,
  });
  await board.stop();
});

function fileOf(value: number): Uint8Array {
  return encodeSafetensors(layout, new Float32Array(layout.length).fill(value));
}

async function assertMovedBy(
  { board, blobs }: Pick<TestBoard, "board" | "blobs">,
  value: number,
): Promise<void> {
  const job = board.get("digits") ?? assert.fail("the job is gone");
  assert.equal(job.status, "completed", job.reason ?? "");
  const weights = decodeSafetensors(await blobs.get(job.base.weights.digest), layout);
  const base = readParameters(smallModel, layout);
  assert.deepEqual(
    weights,
    base.map((one) => one + value),
  );
}
