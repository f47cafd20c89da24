import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import type { JobEffect, JobEvent, SubmissionFacts } from "./job-event.ts";
import type { JobPlan, JobState } from "./job-state.ts";
import { stepJob } from "./step-job.ts";

const blob = (name: string) => ({ digest: digestOf(Buffer.from(name)), length: 100 });

const plan: JobPlan = {
  name: "motes",
  digest: digestOf(Buffer.from("plan")),
  body: blob("plan"),
  model: blob("model"),
  signer: `ed25519:${"0".repeat(64)}`,
  rounds: 1,
  cohort: 2,
  quorum: 2,
  deadlineMs: 60_000,
  graceMs: 10_000,
  targetAccuracy: 0,
  maxExamplesPerDevice: 100,
  evaluationDataset: "held-out",
  statistics: true,
};

/** A job whose first round is open with members a and b. */
class OpenRound {
  state: JobState = stepJob(undefined, { type: "created", plan, weights: blob("base"), now: 0 }).state;
  effects: readonly JobEffect[] = [];

  constructor() {
    this.open("a", "b");
  }

  send(event: JobEvent): this {
    const { state, effects } = stepJob(this.state, event);
    this.state = state;
    this.effects = effects;
    return this;
  }

  open(...devices: string[]): this {
    const round = this.state.nextRound;
    return this.send({ type: "cohortSelected", round, devices, config: blob("config"), now: 1_000 });
  }

  submit(device: string, change: Partial<SubmissionFacts> = {}): this {
    const submission: SubmissionFacts = {
      device,
      round: this.state.current?.number ?? 0,
      format: "statistics",
      contributors: [device],
      baseVersion: 0,
      weight: 10,
      planDigest: plan.digest,
      configDigest: blob("config").digest,
      body: blob(`statistics of ${device}`),
      metrics: {},
      problem: null,
      ...change,
    };
    return this.send({ type: "submitted", submission, now: 2_000 });
  }

  folded(name: string): this {
    return this.send({
      type: "folded",
      round: this.state.current?.number ?? 0,
      accumulator: blob(name),
      now: 3_000,
    });
  }

  effect<Type extends JobEffect["type"]>(type: Type): Extract<JobEffect, { type: Type }> | undefined {
    return this.effects.find((effect): effect is Extract<JobEffect, { type: Type }> => effect.type === type);
  }
}

test("[DS5] statistics are gathered in a round before the first that trains, and are no round of training", () => {
  const job = new OpenRound();
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
  assert.equal(job.open("a", "b").state.current?.kind, undefined);
});

test("[DS6] what comes of them goes to the evaluation and into the model", () => {
  const job = new OpenRound().submit("a").submit("b").folded("sum of a").folded("sum").open("a", "b");
  job.submit("a", { format: "f32" }).submit("b", { format: "f32" }).folded("one").folded("two");
  const [round, now] = [2, 4_000];
  job.send({ type: "finalised", round, weights: blob("w"), optimizerState: null, federated: {}, now });
  assert.deepEqual(job.effect("evaluate")?.statistics, blob("sum"));
  job.send({ type: "evaluated", round, metrics: {}, now });
  assert.deepEqual(job.effect("writeModel")?.statistics, blob("sum"));
  assert.equal(job.send({ type: "modelWritten", model: blob("m"), now }).state.status, "completed");
});

test("[SU2] an update in answer to statistics, and statistics in answer to training, are refused", () => {
  const job = new OpenRound().submit("a", { format: "f32" });
  assert.equal(job.effect("receipt")?.verdict, "refused");
  job.submit("a").submit("b").folded("sum of a").folded("sum").open("a", "b").submit("a");
  assert.equal(job.effect("receipt")?.verdict, "refused");
});

test("[DS5] a round of statistics that fails is tried again", () => {
  const job = new OpenRound();
  const answer = { kind: "declined", reason: "policy statistics: none are given" } as const;
  job.send({ type: "replied", device: "a", round: 1, answer, now: 2_000 });
  assert.equal(job.state.last?.status, "failed");
  assert.equal(job.state.last?.kind, "statistics");
  job.send({ type: "tick", now: 12_000 });
  assert.equal(job.effect("openRound")?.kind, "statistics");
});

test("[RC10] one who is excluded meanwhile is not in them", () => {
  const job = new OpenRound().submit("a").folded("sum of a");
  job.send({ type: "deviceExcluded", device: "a", reason: "revoked", now: 4_000 });
  assert.equal(job.effect("openRound")?.kind, "statistics");
  assert.equal(job.state.statistics, undefined);
});
