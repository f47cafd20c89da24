import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestBoard, type TestBoard } from "./job-board.fixture.ts";

const composed = {
  training: { algorithm: "fedavg.2" },
  aggregator: {
    name: "weighted-mean",
    blocks: [{ name: "zeroing" }, { name: "clipping", quantile: 0.5 }, { name: "quantisation", bits: 8 }],
  },
};

test("[AG15] the state of every block survives a restart of the coordinator, in a round and between two", async () => {
  const straight = await runRounds(async () => undefined);
  const interrupted = await runRounds(async ({ restart }) => void (await restart()));
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

/** @param interrupt happens after each contribution and after each round */
async function runRounds(interrupt: (board: TestBoard) => Promise<void>): Promise<{
  readonly weights: string | undefined;
  readonly state: string | undefined;
  readonly measurements: readonly (Readonly<Record<string, number>> | undefined)[];
}> {
  const fleet = await openTestBoard({ rounds: 3, plan: composed });
  await fleet.board.run(fleet.request);
  const measurements: (Readonly<Record<string, number>> | undefined)[] = [];
  for (let round = 1; round <= 3; round += 1) {
    await fleet.idle();
    await fleet.submit("a", 0.01);
    await fleet.idle();
    await interrupt(fleet);
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
