import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver } from "./job.fixture.ts";

/** A job whose first round, of statistics, is open with members a and b. */
function openRound(): JobDriver {
  const job = new JobDriver({ rounds: 1, cohort: 2, evaluationDataset: "held-out", statistics: true });
  return job.open(["a", "b"]);
}

test("[DS5] statistics are gathered in a round before the first that trains, and are no round of training", () => {
  const job = openRound();
  assert.equal(job.state.current?.kind, "statistics");
  job.submit("a");
  assert.equal(job.effect("fold")?.kind, "statistics");
  job.folded("sum of a").submit("b").folded("sum");
  assert.deepEqual(job.effect("openRound"), {
    type: "openRound",
    round: 2,
    waitingSince: 3_000,
    statistics: blob("sum"),
  });
  assert.equal(job.effect("finalise"), undefined);
  const { summary } = job.effect("archiveRound") ?? assert.fail("the round is not archived");
  assert.deepEqual(
    [summary.kind, summary.status, summary.modelVersion, summary.bytesDown],
    ["statistics", "completed", 0, 0],
  );
  assert.deepEqual([job.state.roundsCompleted, job.state.base.version], [0, 0]);
  assert.ok(
    !job.effects.some((effect) => effect.type === "discard" && effect.blobs.includes(blob("sum").digest)),
  );
  assert.equal(job.open(["a", "b"]).state.current?.kind, undefined);
});

test("[DS6] what comes of them goes to the evaluation and into the model", () => {
  const job = openRound().submit("a").submit("b").folded("sum of a").folded("sum").open(["a", "b"]);
  job.submit("a").submit("b").folded("one").folded("two");
  const [round, now] = [2, 4_000];
  job.finalised(null, now);
  assert.deepEqual(job.effect("evaluate")?.statistics, blob("sum"));
  job.send({ type: "evaluated", round, metrics: {}, now });
  assert.deepEqual(job.effect("writeModel")?.statistics, blob("sum"));
  assert.equal(job.send({ type: "modelWritten", model: blob("m"), now }).state.status, "completed");
});

test("[SU2] an update in answer to statistics, and statistics in answer to training, are refused", () => {
  const job = openRound().submit("a", { format: "f32" });
  assert.equal(job.effect("receipt")?.verdict, "refused");
  job.submit("a").submit("b").folded("sum of a").folded("sum").open(["a", "b"]);
  job.submit("a", { format: "statistics" });
  assert.equal(job.effect("receipt")?.verdict, "refused");
});

test("[DS5] a round of statistics that fails is tried again", () => {
  const job = openRound();
  const answer = { kind: "declined", reason: "policy statistics: none are given" } as const;
  job.reply("a", answer, 2_000);
  assert.equal(job.state.last?.status, "failed");
  assert.equal(job.state.last?.kind, "statistics");
  job.send({ type: "tick", now: 12_000 });
  assert.equal(job.effect("openRound")?.kind, "statistics");
});

test("[RC10] one who is excluded meanwhile is not in them", () => {
  const job = openRound().submit("a").folded("sum of a").exclude("a");
  assert.equal(job.effect("openRound")?.kind, "statistics");
  assert.equal(job.state.statistics, undefined);
});
