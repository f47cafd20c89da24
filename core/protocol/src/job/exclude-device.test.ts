import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobPlan, JobState } from "./job-state.ts";
import { stepJob } from "./step-job.ts";

const blob = (name: string) => ({ digest: digestOf(Buffer.from(name)), length: 100 });

const plan: JobPlan = {
  name: "digits",
  digest: digestOf(Buffer.from("plan")),
  body: blob("plan"),
  model: blob("model"),
  signer: `ed25519:${"0".repeat(64)}`,
  rounds: 2,
  cohort: 3,
  quorum: 2,
  deadlineMs: 60_000,
  graceMs: 10_000,
  targetAccuracy: 0,
  maxExamplesPerDevice: 100,
  evaluationDataset: "held-out",
};

/** A job whose first round is open with members a, b and c. */
class OpenRound {
  state: JobState;
  effects: readonly JobEffect[] = [];

  constructor() {
    this.state = stepJob(undefined, { type: "created", plan, weights: blob("base"), now: 0 }).state;
    this.send({
      type: "cohortSelected",
      round: 1,
      devices: ["a", "b", "c"],
      config: blob("config"),
      now: 1_000,
    });
  }

  send(event: JobEvent): this {
    const { state, effects } = stepJob(this.state, event);
    this.state = state;
    this.effects = effects;
    return this;
  }

  submit(device: string): this {
    return this.send({
      type: "submitted",
      now: 2_000,
      submission: {
        device,
        round: 1,
        format: "f32",
        contributors: [device],
        baseVersion: 0,
        weight: 10,
        planDigest: plan.digest,
        configDigest: blob("config").digest,
        body: blob(`update of ${device}`),
        metrics: { train_loss: 1 },
        problem: null,
      },
    });
  }

  folded(name: string): this {
    return this.send({ type: "folded", round: 1, accumulator: blob(name), now: 3_000 });
  }

  exclude(device: string): this {
    return this.send({ type: "deviceExcluded", device, reason: "it was revoked: stolen", now: 4_000 });
  }

  /** To the end of all folds, finalised with these names. */
  finalised(): this {
    return this.send({
      type: "finalised",
      round: 1,
      weights: blob("weights 1"),
      optimizerState: blob("moments 1"),
      federated: {},
      now: 5_000,
    });
  }

  discarded(): string[] {
    return this.effects.flatMap((effect) => (effect.type === "discard" ? effect.blobs : []));
  }

  /** The first attempt is over, and a cohort is asked for at once, for the same weights. */
  assertOpenedAgain(): void {
    const { current, failuresInARow, base, last, optimizerState } = this.state;
    assert.equal(current, null);
    assert.deepEqual([failuresInARow, base.version, base.weights], [0, 0, blob("base")]);
    assert.equal(optimizerState, null);
    assert.match(last?.reason ?? "", /^opened again without a: it was revoked: stolen$/);
    assert.deepEqual(
      this.effects.filter(({ type }) => type === "openRound"),
      [{ type: "openRound", round: 2, waitingSince: 4_000 }],
    );
  }
}

test("[RC10] a contribution that was not folded yet is dropped, and the round goes on", () => {
  const round = new OpenRound().submit("b").submit("a");
  round.exclude("a");
  assert.deepEqual(round.discarded(), [blob("update of a").digest]);
  assert.equal(round.state.current?.members.a?.status, "excluded");
  assert.deepEqual(round.state.current?.metrics, { b: { train_loss: 1 } });
  round.folded("sum of b").submit("c");
  const fold = round.effects.find((effect) => effect.type === "fold");
  assert.deepEqual(
    fold?.contributions.map(({ device }) => device),
    ["c"],
  );
  round.folded("sum of b and c");
  const finalise = round.effects.find((effect) => effect.type === "finalise");
  assert.deepEqual(Object.keys(finalise?.weights ?? {}), ["b", "c"]);
  assert.deepEqual(Object.keys(finalise?.metrics ?? {}), ["b", "c"]);
});

test("[RC10] one in a fold under way makes the round open again, and the fold comes to nothing", () => {
  const round = new OpenRound().submit("a").exclude("a");
  round.assertOpenedAgain();
  assert.deepEqual(round.discarded(), [blob("update of a").digest]);
  assert.deepEqual(round.folded("sum of a").discarded(), [blob("sum of a").digest]);
});

test("[RC10] one that was folded makes the round open again, without its sum", () => {
  const round = new OpenRound().submit("a").folded("sum of a").submit("b").exclude("a");
  round.assertOpenedAgain();
  assert.deepEqual(round.discarded().sort(), [blob("sum of a").digest, blob("update of b").digest].sort());
  const told = round.effects.filter((effect) => effect.type === "roundClosed");
  assert.deepEqual(
    told.map(({ device, reason }) => [device, reason]),
    [["c", "the round is opened again"]],
    "others are not told whose fault it is",
  );
});

test("[RC10] so does one whose round is being finalised or evaluated", () => {
  const closed = () =>
    new OpenRound().submit("a").folded("sum").submit("b").submit("c").folded("most").folded("all");
  assert.equal(closed().state.current?.phase, "finalising");
  const finalising = closed().exclude("a");
  finalising.assertOpenedAgain();
  const late = finalising.finalised().discarded();
  assert.deepEqual(late, [blob("weights 1").digest, blob("moments 1").digest]);

  const evaluating = closed().finalised();
  assert.equal(evaluating.state.current?.phase, "evaluating");
  evaluating.exclude("a").assertOpenedAgain();
  for (const name of ["weights 1", "moments 1", "all"]) {
    assert.ok(evaluating.discarded().includes(blob(name).digest), name);
  }
  evaluating.send({ type: "evaluated", round: 1, metrics: {}, now: 6_000 });
  assert.equal(evaluating.state.base.version, 0);
});

test("[RC10] a round that had closed with a quorum and now lacks it opens again", () => {
  const round = new OpenRound().submit("b").submit("a");
  round.send({ type: "tick", now: 20_000 });
  assert.equal(round.state.current?.phase, "folding");
  round.exclude("a").assertOpenedAgain();
  assert.ok(round.discarded().includes(blob("update of a").digest));
});

test("[RC10] while it collects, a round that lost its quorum waits for it anew", () => {
  const round = new OpenRound().submit("b").submit("a").exclude("a");
  assert.equal(round.state.current?.quorumAt, null);
  round.send({ type: "tick", now: 20_000 });
  assert.equal(round.state.current?.phase, "collecting");
  const without = new OpenRound().exclude("a").exclude("b");
  assert.equal(without.state.last?.status, "failed", "a quorum that cannot be reached is a failed round");
  assert.equal(without.state.failuresInARow, 1);
  assert.match(without.state.last?.reason ?? "", /it was revoked: stolen/);
  const told = without.effects.filter((effect) => effect.type === "roundClosed");
  assert.deepEqual(
    told.map(({ device, reason }) => [device, reason]),
    [["c", "quorum cannot be reached: 0 of 2 contributed"]],
  );
});

test("[RC10] an excluded device stays out of its round, whatever it sends or answers then", () => {
  const round = new OpenRound().exclude("a");
  round.submit("a");
  const [receipt] = round.effects;
  assert.ok(receipt?.type === "receipt" && receipt.verdict === "refused");
  assert.equal(receipt.reason, "this device was excluded from the round: it was revoked: stolen");
  round.send({ type: "replied", device: "a", round: 1, answer: { kind: "accepted" }, now: 5_000 });
  assert.equal(round.state.current?.members.a?.status, "excluded");
  round.send({ type: "deviceOnline", device: "a" });
  assert.deepEqual(round.effects, []);
  const before = round.state;
  assert.equal(round.exclude("a").state, before, "told again, nothing changes");
  assert.equal(round.exclude("stranger").state, before);
});
