import assert from "node:assert/strict";
import { test } from "node:test";
import { blob, JobDriver, noFigures } from "./job.fixture.ts";
import type { JobPlan, Metrics } from "./job-state.ts";

/** A job that measures, and whose round is open. */
function openEvaluation(devices: readonly string[] = ["a", "b"]): JobDriver {
  const job = new JobDriver({ rounds: 1, cohort: devices.length, quorum: 2, task: "evaluate" });
  assert.equal(job.effect("openRound")?.kind, "evaluate");
  return job.open(devices);
}

test("[EV3] a job that evaluates takes what devices measured together, and changes no model", () => {
  const job = openEvaluation().submit("a", { metrics: { eval_loss: 1 } });
  assert.deepEqual([job.verdict(), job.has("fold")], ["accepted", false]);
  job.submit("b", { metrics: { eval_loss: 2 }, weight: 20 });
  assert.deepEqual(job.effect("combine"), {
    type: "combine",
    round: 1,
    metrics: { a: { eval_loss: 1 }, b: { eval_loss: 2 } },
    weights: { a: 10, b: 20 },
  });
  const { base } = job.state;
  job.send({ type: "combined", round: 1, ...noFigures, federated: { eval_loss: 1.5 }, now: 5_000 });
  assert.deepEqual([job.state.status, job.state.model, job.state.base], ["completed", null, base]);
  assert.equal(job.has("writeModel"), false);
  const { summary } = job.effect("archiveRound") ?? assert.fail("the round is not archived");
  assert.deepEqual(
    [summary.kind, summary.status, summary.modelVersion, summary.federated],
    ["evaluate", "completed", 0, { eval_loss: 1.5 }],
  );
});

test("[EV3] a figure that comes a second time, or too late, changes nothing", () => {
  const job = openEvaluation().submit("a").submit("b");
  const combined = { type: "combined", round: 1, ...noFigures, federated: {}, now: 5_000 } as const;
  const { state } = job.send(combined);
  assert.equal(job.send(combined).state, state);
});

test("[SU2] an update in answer to an evaluation is refused", () => {
  assert.equal(openEvaluation().submit("a", { format: "f32" }).verdict(), "refused");
});

test("[RC6] an evaluation without a quorum is tried again, and fails after five in a row", () => {
  const job = openEvaluation();
  const answer = { kind: "declined", reason: 'policy tasks: "evaluate" is not among those allowed' } as const;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    job.reply("a", answer);
    assert.equal(job.state.last?.status, "failed");
    if (attempt < 5) job.send({ type: "tick", now: 12_000 * attempt }).open(["a", "b"], 12_000 * attempt);
  }
  assert.equal(job.state.status, "failed");
});

test("[RC10] what a device measured that is excluded does not count, before the round has closed and after", () => {
  const open = openEvaluation(["a", "b", "c"]).submit("a").exclude("a").submit("b").submit("c");
  assert.deepEqual(Object.keys(open.effect("combine")?.metrics ?? {}), ["b", "c"]);

  const closed = openEvaluation(["a", "b", "c"]).submit("a").submit("b").submit("c").exclude("a");
  assert.equal(closed.effect("openRound")?.kind, "evaluate");
  assert.equal(closed.state.last?.reason, "opened again without a: it was revoked: stolen");
  closed.send({ type: "combined", round: 1, ...noFigures, federated: { eval_loss: 9 }, now: 5_000 });
  assert.equal(closed.state.status, "waiting");
});

test("[DS5] columns are normalised for an evaluation as for a training", () => {
  const job = new JobDriver({ rounds: 1, cohort: 2, task: "evaluate", statistics: true });
  assert.equal(job.effect("openRound")?.kind, "statistics");
  job.open(["a", "b"]).submit("a").submit("b").folded("sum of a").folded("sum");
  const opened = job.effect("openRound");
  assert.deepEqual([opened?.kind, opened?.statistics], ["evaluate", blob("sum")]);
});

/** A job that trains for four rounds, and whose devices measure after each second one. */
function training(changes: Partial<JobPlan> = {}): JobDriver {
  return new JobDriver({ rounds: 3, cohort: 2, evaluateEvery: 2, ...changes });
}

function train(job: JobDriver): JobDriver {
  return job.open(["a", "b"]).submit("a").submit("b").settle();
}

function evaluated(job: JobDriver, federated: Metrics = {}): JobDriver {
  job.open(["a", "b"]).submit("a").submit("b");
  const round = job.state.current?.number ?? 0;
  return job.send({ type: "combined", round, ...noFigures, federated, now: 30_000 });
}

test("[EV5] devices measure what came of every second round and of the last, and train from it as before", () => {
  const job = training();
  const kinds: (string | undefined)[] = [];
  while (!job.has("writeModel")) {
    kinds.push(job.effect("openRound")?.kind);
    const { base } = job.state;
    if (job.effect("openRound")?.kind === undefined) train(job);
    else assert.equal(evaluated(job).state.base, base);
  }
  assert.deepEqual(kinds, [undefined, undefined, "evaluate", undefined, "evaluate"]);
  assert.deepEqual([job.state.roundsCompleted, job.state.base.version], [3, 3]);
  assert.deepEqual(job.effect("writeModel")?.weights, job.state.base.weights);
  job.send({ type: "deviceOnline", device: "c" });
  assert.deepEqual(job.effects, []);
  assert.equal(job.send({ type: "modelWritten", model: blob("m"), now: 40_000 }).state.status, "completed");
});

test("[EV5] a job that reached its goal is measured once more, and ends by the figures that it had", () => {
  const job = training({ targetAccuracy: 0.9, evaluationDataset: "held-out" });
  train(job).send({ type: "evaluated", round: 1, metrics: { accuracy: 0.95 }, now: 21_000 });
  assert.equal(job.effect("openRound")?.kind, "evaluate");
  evaluated(job, { eval_accuracy: 0.5 });
  assert.deepEqual(job.state.last?.evaluation, { accuracy: 0.95 });
  assert.ok(job.has("writeModel"));
  job.send({ type: "modelWritten", model: blob("m"), now: 40_000 });
  assert.equal(job.state.reason, "accuracy 0.95 reached its target 0.9");
});

test("[EV5] without data of the coordinator's the goal is of the model that was measured last", () => {
  const job = training({
    rounds: 9,
    evaluateEvery: 1,
    target: { metric: "loss", bound: "atMost", value: 1 },
  });
  evaluated(train(job), { eval_loss: 2 });
  assert.equal(job.effect("openRound")?.kind, undefined);
  assert.ok(evaluated(train(job), { eval_loss: 0.5 }).has("writeModel"));
});

test("[EV5] a training goes on without the figures of an evaluation that failed", () => {
  const job = training({ rounds: 2 });
  train(train(job)).open(["a", "b"]).reply("a", { kind: "failed", reason: "no examples to measure on" });
  assert.deepEqual([job.state.last?.kind, job.state.last?.status], ["evaluate", "failed"]);
  assert.ok(job.has("writeModel"));
  assert.equal(job.state.failuresInARow, 0);
});
