import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestBoard, type TestBoard, type TestBoardOptions } from "./job-board.fixture.ts";

const composed = {
  training: { algorithm: "fedavg.2" },
  aggregator: {
    name: "weighted-mean",
    blocks: [{ name: "zeroing" }, { name: "clipping", quantile: 0.5 }, { name: "quantisation", bits: 8 }],
  },
};

test("[AG15] the state of every block survives a restart of the coordinator, in a round and between two", async () => {
  const straight = await runRounds(composed, async () => undefined);
  const interrupted = await runRounds(composed, async ({ restart }) => void (await restart()));
  assert.deepEqual(interrupted, straight);
  const [first, , third] = straight.measurements;
  assert.deepEqual(Object.keys(first ?? {}), [
    ...["zeroing.bound", "zeroing.zeroed", "clipping.bound", "clipping.clipped"],
    ...["weighted-mean.weight", "weighted-mean.contributors", "weighted-mean.resolution"],
  ]);
  assert.deepEqual([first?.["zeroing.bound"], first?.["clipping.bound"]], [21, 1]);
  // All devices were within 10, so that the zeroing bound falls; one of two was beyond 1, as the quantile says.
  assert.ok((third?.["zeroing.bound"] ?? 21) < 21);
});

test("[AG15] [RA1] so does that of blocks in front of a robust rule, which count whose bits they have at once", async () => {
  const robust = {
    training: { algorithm: "fedavg.2" },
    aggregator: { name: "norm-filter", blocks: [{ name: "clipping", quantile: 0.5 }] },
    schedule: { quorum: 3 },
  };
  const straight = await runRounds(robust, async () => undefined);
  const interrupted = await runRounds(robust, async ({ restart }) => void (await restart()));
  assert.deepEqual(interrupted, straight);
  const [first, , third] = straight.measurements;
  assert.deepEqual(first, {
    ...{ "clipping.bound": 1, "clipping.clipped": 1 },
    ...{ "norm-filter.selected": 2, "norm-filter.medianNorm": first?.["norm-filter.medianNorm"] },
    "norm-filter.leftOut": 1,
  });
  assert.ok((third?.["clipping.bound"] ?? 1) < 1, "two of three were within it");
});

/** @param interrupt happens after each contribution and after each round */
async function runRounds(
  plan: NonNullable<TestBoardOptions["plan"]>,
  interrupt: (board: TestBoard) => Promise<void>,
): Promise<{
  readonly weights: string | undefined;
  readonly state: string | undefined;
  readonly measurements: readonly (Readonly<Record<string, number>> | undefined)[];
}> {
  const isRobust = plan.schedule !== undefined;
  const fleet = await openTestBoard({ rounds: 3, cohort: isRobust ? 3 : 2, plan });
  await fleet.board.run(fleet.request);
  const measurements: (Readonly<Record<string, number>> | undefined)[] = [];
  for (let round = 1; round <= 3; round += 1) {
    await fleet.idle();
    await fleet.submit("a", 0.01);
    await fleet.idle();
    await interrupt(fleet);
    if (isRobust) await fleet.submit("c", 0.02);
    await fleet.submit("b", 0.5 * round);
    await fleet.idle();
    measurements.push(fleet.job()?.last?.measurements);
    await interrupt(fleet);
  }
  await fleet.idle();
  const job = fleet.job();
  assert.equal(job?.status, "completed", job?.reason ?? "");
  return { weights: job?.base.weights.digest, state: job?.aggregatorState, measurements };
}

test("[SU6] bytes that the plan's aggregator cannot have packed are refused, and the device has failed", async () => {
  const { board, request, submit, idle, receipts, graph } = await openTestBoard({ plan: composed });
  await board.run(request);
  await idle();
  await submit("a", graph);
  await idle();
  assert.match(receipts()[0]?.reason ?? "", /bytes; this offer takes/);
  await board.stop();
});
