import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver, noFigures } from "./job.fixture.ts";

test("[RC14] of more devices than the cohort the first to contribute close the round, and the rest is told", () => {
  const job = new JobDriver({ cohort: 2, closesAt: 2 }).open(["a", "b", "c"]);
  job.submit("c");
  assert.equal(job.state.current?.phase, "collecting");
  job.submit("a");
  const told = job.effects.flatMap((effect) => (effect.type === "roundClosed" ? effect.device : []));
  assert.deepEqual(told, ["b"]);
  assert.notEqual(job.state.current?.phase, "collecting");
  assert.equal(job.submit("b").verdict(), "roundClosed");
});

test("[RC11] a round that nobody was drawn for is done, and the weights stay as they are", () => {
  const job = new JobDriver({ rounds: 2 });
  job.send({ type: "nobodyDrawn", round: 1, now: 5 });
  assert.deepEqual([job.state.roundsCompleted, job.state.nextRound, job.state.base.version], [1, 2, 0]);
  assert.deepEqual([job.state.last?.status, job.state.last?.modelVersion], ["completed", 0]);
  assert.equal(job.effect("openRound")?.round, 2);
  // Said twice, it counts once.
  job.send({ type: "nobodyDrawn", round: 1, now: 6 });
  assert.equal(job.state.roundsCompleted, 1);
  job.send({ type: "nobodyDrawn", round: 2, now: 7 });
  assert.deepEqual(job.effect("writeModel")?.weights, blob("base"));
});

test("[RC12] what devices told of their losses goes from round to round, and the one before is let go", () => {
  const job = new JobDriver().open();
  for (const device of ["a", "b", "c"]) job.submit(device);
  job.folded("one").folded("all");
  const made = { round: 1, weights: blob("weights 1"), optimizerState: null, ...noFigures, now: 9 };
  job.send({ type: "finalised", ...made, losses: blob("losses 1") });
  assert.deepEqual(job.effect("openRound")?.losses, blob("losses 1"));
  job.open();
  for (const device of ["a", "b", "c"]) job.submit(device);
  job.folded("one 2").folded("all 2");
  assert.deepEqual(job.effect("finalise")?.losses, blob("losses 1"));
  job.send({ type: "finalised", ...made, round: 2, losses: blob("losses 2") });
  assert.ok(job.discarded().includes(blob("losses 1").digest));
  assert.deepEqual(job.state.losses, blob("losses 2"));
});
