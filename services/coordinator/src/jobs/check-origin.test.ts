import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSafetensors, serializeModel, writeParameters } from "@selvedge/onnx";
import { encodePlan, type WeightsOrigin } from "@selvedge/protocol";
import { layout, openTestBoard, type TestBoard } from "./job-board.fixture.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";
import type { JobRequest } from "./request-desk.ts";

/** A board whose job has done its three rounds, of which the second's weights were kept. */
async function openTrained(): Promise<TestBoard> {
  const board = await openTestBoard({ rounds: 3 });
  await board.board.run({ ...board.request, keepEvery: 2 });
  for (let round = 1; round <= 3; round += 1) {
    await board.idle();
    await board.submit("a", round);
    await board.submit("b", round);
  }
  await board.idle();
  return board;
}

/** A job that says that it begins with these, and comes with the weights after this round, or its model's own. */
async function beginning(board: TestBoard, origin: WeightsOrigin, weightsOf?: number): Promise<JobRequest> {
  const checkpoint = board.board.get("digits")?.checkpoints?.find(({ round }) => round === weightsOf);
  const own = serializeModel(smallModel);
  const flat = checkpoint && decodeSafetensors(await board.blobs.get(checkpoint.weights.digest), layout);
  const { digest, length } = await board.blobs.put(flat ? writeParameters(own, layout, flat) : own);
  const plan = encodePlan(smallPlan(digest, length, 1, 2));
  return { ...board.request, job: "next", plan, signature: board.sign(plan), origin };
}

test("[WS1] a job begins with weights of another one that are there, and stands to it", async () => {
  const fleet = await openTrained();
  const origin = { kind: "round", job: "digits", round: 2 } as const;
  const state = await fleet.board.run(await beginning(fleet, origin, 2));
  assert.deepEqual(state.plan.origin, origin);
  assert.deepEqual(state.base.weights, fleet.board.get("digits")?.checkpoints?.[0]?.weights);
  await fleet.board.stop();
});

test("[WS1] a job that comes with other weights than it says, or with none that are there, is refused", async () => {
  const fleet = await openTrained();
  const round = (number: number, job = "digits") => ({ kind: "round", job, round: number }) as const;
  await assert.rejects(fleet.board.run(await beginning(fleet, round(2))), {
    code: "invalid_argument",
    message: "the plan's model does not come with the weights that it is said to",
  });
  await assert.rejects(fleet.board.run(await beginning(fleet, round(1))), {
    code: "not_found",
    fix: "there are those of 2, 3",
  });
  await assert.rejects(fleet.board.run(await beginning(fleet, round(1, "none"))), { code: "not_found" });
  const release = { kind: "release", model: "digits", version: 1 } as const;
  await assert.rejects(fleet.board.run(await beginning(fleet, release)), /no released model "digits@1"/);
  await fleet.board.stop();
});

test("what cannot be kept is refused", async () => {
  const { board, request } = await openTestBoard({ rounds: 3 });
  await assert.rejects(board.run({ ...request, keepEvery: 0.5 }), { at: "keep_every" });
  await assert.rejects(board.run({ ...request, source: "x".repeat(70_000) }), { at: "source" });
  const { board: other, request: evaluation } = await openTestBoard({ plan: { task: "evaluate" } });
  await assert.rejects(other.run({ ...evaluation, keepEvery: 1 }), { at: "keep_every" });
  await board.stop();
  await other.stop();
});
