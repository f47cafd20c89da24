import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import { blob, JobDriver, jobPlan } from "./job.fixture.ts";
import { goalReached, progressAfter } from "./job-goal.ts";
import { lastTimeOf, type RoundSummary } from "./job-state.ts";
import { failedRoundsMax, offerRetryMs } from "./round-lifecycle.ts";
import { jobWakeAt } from "./step-job.ts";

test("[RC7] a new job asks for a cohort and opens a round with an offer to each member", () => {
  const driver = new JobDriver();
  assert.deepEqual(driver.effects, [{ type: "openRound", round: 1, waitingSince: 0 }]);
  driver.open();
  assert.deepEqual(
    driver.effects.map((effect) => effect.type === "offer" && effect.device),
    ["a", "b", "c"],
  );
  assert.equal(driver.state.status, "running");
});

test("[RC7] a job with too few devices looks again after the grace time and when a device comes online", () => {
  const driver = new JobDriver().send({ type: "cohortShort", round: 1, reason: "1 of 3", now: 5_000 });
  assert.equal(jobWakeAt(driver.state), 10_000);
  driver.send({ type: "tick", now: 10_000 });
  assert.ok(driver.has("openRound"));
  driver.send({ type: "cohortShort", round: 1, reason: "1 of 3", now: 10_001 });
  assert.equal(jobWakeAt(driver.state), undefined, "nothing to wait for but devices");
  driver.send({ type: "deviceOnline", device: "b" });
  assert.ok(driver.has("openRound"));
});

test("[RC7] a job with too few devices says what it lacks, until its round opens", () => {
  const driver = new JobDriver().send({ type: "cohortShort", round: 1, reason: "1 of 3", now: 5_000 });
  assert.deepEqual([driver.state.status, driver.state.reason], ["waiting", "1 of 3"]);
  driver.send({ type: "deviceOnline", device: "b" });
  assert.equal(driver.state.reason, "1 of 3", "until it has looked again");
  assert.equal(driver.open().state.reason, null);
});

test("[RC7] a device that comes online while the cohort is being selected is not overlooked", () => {
  const driver = new JobDriver().send({ type: "deviceOnline", device: "b" });
  assert.equal(driver.effects.length, 0);
  driver.send({ type: "cohortShort", round: 1, reason: "1 of 3", now: 20_000 });
  assert.ok(driver.has("openRound"));
});

test("[OF4] an unanswered offer is sent again after the retry time and when its device comes online", () => {
  const driver = new JobDriver().open();
  driver.reply("a", { kind: "accepted" });
  driver.send({ type: "deviceOnline", device: "b" });
  assert.deepEqual(driver.effects, [{ type: "offer", round: 1, device: "b" }]);
  assert.equal(jobWakeAt(driver.state), 1_000 + offerRetryMs);
  driver.send({ type: "tick", now: 1_000 + offerRetryMs });
  assert.deepEqual(
    driver.effects.map((effect) => effect.type === "offer" && effect.device),
    ["b", "c"],
  );
});

test("[RC1] a round closes when every member has answered, and then finalises", () => {
  const driver = new JobDriver().open().submit("a").submit("b");
  driver.reply("c", { kind: "declined", reason: "policy hours" });
  assert.equal(driver.state.current?.phase, "folding");
  driver.settle();
  assert.equal(driver.state.base.version, 1);
  assert.deepEqual(driver.state.base.weights, blob("weights 1"));
  assert.ok(driver.has("openRound"), "the next round");
});

test("[RC2] with a quorum the round waits the grace time and no longer", () => {
  const driver = new JobDriver().open().submit("a").submit("b");
  assert.equal(jobWakeAt(driver.state), 1_000 + offerRetryMs);
  driver.send({ type: "tick", now: 11_999 });
  assert.equal(driver.state.current?.phase, "collecting");
  driver.send({ type: "tick", now: 12_000 });
  assert.equal(driver.state.current?.phase, "folding");
});

test("[RC3] at the deadline a round without a quorum fails", () => {
  const driver = new JobDriver().open().submit("a");
  driver.send({ type: "tick", now: 61_000 });
  assert.equal(driver.state.current, null);
  assert.equal(driver.state.last?.status, "failed");
  assert.match(driver.state.last?.reason ?? "", /1 of 2/);
});

test("[RC3] a round whose quorum cannot be reached fails at once and says why", () => {
  const driver = new JobDriver().open();
  driver.reply("a", { kind: "declined", reason: "policy hours: only 22:00 to 06:00" });
  driver.reply("b", { kind: "failed", reason: "no such dataset" });
  assert.equal(driver.state.current, null);
  assert.match(driver.state.last?.reason ?? "", /policy hours/);
});

test("[RC4] [AK4] a late submission is told that the round has closed, and stays out of it", () => {
  const driver = new JobDriver().open().submit("a").submit("b").send({ type: "tick", now: 12_000 });
  driver.submit("c", {}, 12_001);
  assert.equal(driver.verdict(), "roundClosed");
  const pending = driver.state.current?.queue.map(({ device }) => device);
  assert.deepEqual(pending, ["b"], "only what was accepted before the close");
});

test("[AK4] a submission to a round that never opened is refused", () => {
  assert.equal(new JobDriver().open().submit("a", { round: 9 }).verdict(), "refused");
});

test("[RC5] members that have not contributed are told when the round closes", () => {
  const driver = new JobDriver().open().submit("a").submit("b").send({ type: "tick", now: 12_000 });
  const told = driver.effects.flatMap((effect) => (effect.type === "roundClosed" ? effect.device : []));
  assert.deepEqual(told, ["c"]);
});

test("[RC6] failed rounds keep the weights, use up their number, and end the job after five in a row", () => {
  const driver = new JobDriver();
  for (let failures = 1; failures <= failedRoundsMax; failures += 1) {
    driver.open().send({ type: "tick", now: 100_000 * failures });
    driver.send({ type: "tick", now: 100_000 * failures + jobPlan.graceMs });
    assert.deepEqual(driver.state.base, { version: 0, weights: blob("base") });
    assert.equal(driver.state.nextRound, failures + 1);
  }
  assert.equal(driver.state.status, "failed");
  assert.match(driver.state.reason ?? "", /5 rounds in a row/);
});

test("[RC8] the job completes after its rounds, once its model is written", () => {
  const driver = new JobDriver({ rounds: 1 }).open().submit("a").submit("b").submit("c").settle();
  assert.deepEqual(driver.effects.at(-1), { type: "writeModel", weights: blob("weights 1") });
  driver.send({ type: "tick", now: 30_000 });
  assert.equal(driver.has("openRound"), false);
  driver.send({ type: "modelWritten", model: blob("model"), now: 30_001 });
  assert.equal(driver.state.status, "completed");
  assert.deepEqual(driver.state.model, blob("model"));
});

test("[RC8] reaching the target accuracy ends the job early", () => {
  const driver = new JobDriver({ rounds: 50, targetAccuracy: 0.9, evaluationDataset: "test" });
  driver.open().submit("a").submit("b").submit("c").settle();
  assert.ok(driver.has("evaluate"));
  driver.send({ type: "evaluated", round: 1, metrics: { accuracy: 0.93 }, now: 21_000 });
  assert.ok(driver.has("writeModel"));
});

test("[RC8] a target may be of any metric, at least or at most so much, and the job says that it was reached", () => {
  const target = { metric: "perplexity", bound: "atMost", value: 10 } as const;
  const driver = new JobDriver({ rounds: 50, target, evaluationDataset: "test" });
  driver.open().submit("a").submit("b").submit("c").settle();
  driver.send({ type: "evaluated", round: 1, metrics: { perplexity: 9.5 }, now: 21_000 });
  driver.send({ type: "modelWritten", model: blob("model"), now: 21_001 });
  assert.deepEqual(
    [driver.state.status, driver.state.reason],
    ["completed", "perplexity 9.5 reached its target 10"],
  );
});

test("[RC8] without data of the coordinator's a target is of what devices held out", () => {
  const target = { metric: "f1", bound: "atLeast", value: 0.9 } as const;
  const state = { ...new JobDriver({ target }).state };
  const last = { evaluation: { f1: 1 }, federated: { eval_f1: 0.8 } } as unknown as RoundSummary;
  assert.equal(goalReached({ ...state, last }), null);
  const better = { ...last, federated: { eval_f1: 0.9 } };
  assert.match(goalReached({ ...state, last: better }) ?? "", /^f1 0.9 reached/);
});

test("[RC8] a metric that no longer gets better ends the job after so many rounds", () => {
  const earlyStopping = { metric: "loss", falls: true, patience: 2, minDelta: 0.1 };
  let state = new JobDriver({ earlyStopping, evaluationDataset: "test" }).state;
  const goals = [5, 4, 3.95, 4.5, 3, 3, 3].map((loss) => {
    state = { ...state, ...progressAfter(state, { evaluation: { loss }, federated: {} }) };
    return goalReached(state);
  });
  assert.deepEqual(
    goals.map((goal) => goal !== null),
    [false, false, false, true, false, false, true],
  );
  assert.equal(goals.at(-1), "loss has not been better than 3 for 2 rounds");
});

test("[RC8] a job that ended because its rounds were done gives no other reason", () => {
  const earlyStopping = { metric: "loss", falls: true, patience: 1, minDelta: 0.1 };
  const driver = new JobDriver({ rounds: 2, earlyStopping, evaluationDataset: "test" });
  for (const round of [1, 2]) {
    driver
      .open()
      .submit("a", { round, baseVersion: round - 1 })
      .submit("b", { round, baseVersion: round - 1 });
    driver.submit("c", { round, baseVersion: round - 1 }).settle();
    driver.send({ type: "evaluated", round, metrics: { loss: 5 }, now: 21_000 });
  }
  assert.ok(driver.has("writeModel"));
  driver.send({ type: "modelWritten", model: blob("model"), now: 21_001 });
  assert.deepEqual([driver.state.status, driver.state.reason], ["completed", null]);
});

test("[RC8] cancelling tells the cohort and closes the round for good", () => {
  const driver = new JobDriver().open().submit("a").send({ type: "cancelled", now: 3_000 });
  assert.equal(driver.state.status, "cancelled");
  assert.ok(driver.has("roundClosed") && driver.has("archiveRound"));
  assert.equal(driver.submit("b", { round: 1 }).verdict(), "roundClosed");
});

test("[SU1] a sound submission is accepted in the commit that records it; a stranger's is refused", () => {
  const driver = new JobDriver().open();
  assert.equal(driver.submit("a").verdict(), "accepted");
  assert.equal(driver.state.current?.members.a?.status, "contributed");
  assert.equal(driver.submit("z").verdict(), "refused");
});

for (const [what, changes] of Object.entries({
  "another plan": { planDigest: digestOf(Buffer.from("x")) },
  "another configuration": { configDigest: digestOf(Buffer.from("x")) },
  "a stale base": { baseVersion: 7 },
})) {
  test(`[SU2] a submission made under ${what} is refused`, () => {
    assert.equal(new JobDriver().open().submit("a", changes).verdict(), "refused");
  });
}

for (const [what, changes] of Object.entries({
  "no weight": { weight: 0 },
  "a fractional weight": { weight: 1.5 },
  "more examples than the plan counts": { weight: 101 },
  "NaN examples": { weight: Number.NaN },
  "another contributor": { contributors: ["b"] },
  "several contributors": { contributors: ["a", "b"] },
  "a partial sum's format": { format: "grid64" },
})) {
  test(`[SU3] a submission with ${what} is refused`, () => {
    assert.equal(new JobDriver().open().submit("a", changes).verdict(), "refused");
  });
}

test("[SU5] a submission without its body is asked for it, and accepted with it", () => {
  const driver = new JobDriver().open();
  assert.equal(driver.submit("a", { problem: "missing" }).verdict(), "bodyMissing");
  assert.equal(driver.submit("a").verdict(), "accepted");
});

test("[SU6] an unsound body is refused and its device has failed the round", () => {
  const driver = new JobDriver().open().submit("a", { problem: "value 3 is NaN" });
  assert.equal(driver.verdict(), "refused");
  assert.equal(driver.state.current?.members.a?.status, "failed");
  assert.ok(driver.has("discard"));
});

test("[SU6] a device that has failed a round is out of it, whatever it sends or answers then", () => {
  const driver = new JobDriver().open().submit("a", { problem: "value 3 is NaN" });
  assert.equal(driver.submit("a", { body: blob("sound") }).verdict(), "refused");
  // The refused body is gone: the same submission again is refused again, not asked for its body.
  assert.equal(driver.submit("a", { problem: "missing" }).verdict(), "refused");
  driver.reply("a", { kind: "accepted" });
  assert.equal(driver.state.current?.members.a?.status, "failed");
});

test("[RC6] after a failed round the job waits the grace time, whoever comes online meanwhile", () => {
  const driver = new JobDriver().open(["a", "b"]);
  driver.reply("a", { kind: "declined", reason: "policy hours" }, 3_000);
  assert.equal(driver.has("openRound"), false);
  assert.equal(driver.state.status, "waiting");
  assert.equal(driver.send({ type: "deviceOnline", device: "c" }).has("openRound"), false);
  assert.equal(jobWakeAt(driver.state), 13_000);
  assert.equal(driver.send({ type: "tick", now: 12_999 }).has("openRound"), false);
  assert.equal(driver.send({ type: "tick", now: 13_000 }).has("openRound"), true);
});

test("[AK3] a repeated submission gets the first verdict, in its round and in the one after", () => {
  const driver = new JobDriver().open().submit("a");
  assert.equal(driver.submit("a").verdict(), "accepted");
  assert.equal(driver.submit("a", { body: blob("other") }).verdict(), "refused");
  driver.submit("b").submit("c").settle();
  driver.open(["a", "b", "c"], 21_000);
  assert.equal(driver.submit("a", { round: 1, baseVersion: 0 }, 22_000).verdict(), "accepted");
});

test("[AK5] contributions that arrive during a fold go into the next one, each once", () => {
  const driver = new JobDriver().open().submit("a");
  const first = driver.effect("fold");
  assert.deepEqual(
    first?.contributions.map(({ device }) => device),
    ["a"],
  );
  driver.submit("b").submit("c");
  assert.equal(driver.has("fold"), false);
  driver.folded("sum");
  const second = driver.effect("fold");
  assert.deepEqual(
    second?.contributions.map(({ device }) => device),
    ["b", "c"],
  );
  assert.deepEqual(second?.accumulator, blob("sum"));
});

test("[AK5] bodies are discarded only after the fold that counted them is committed", () => {
  const driver = new JobDriver().open().submit("a");
  assert.equal(driver.has("discard"), false);
  driver.folded("sum");
  assert.deepEqual(
    driver.effects.filter((effect) => effect.type === "discard"),
    [{ type: "discard", blobs: [blob("update of a").digest] }],
  );
});

test("[AK5] work for a round that is over may fail without harm to the job", () => {
  const driver = new JobDriver().open().submit("a");
  const failure = { type: "effectFailed", what: "fold", reason: "no such blob", now: 70_000 } as const;
  driver.send({ type: "tick", now: 61_001 });
  assert.equal(driver.state.last?.status, "failed");
  assert.equal(driver.send({ ...failure, round: 1 }).state.status, "waiting");
  driver.open(["a", "b", "c"], 71_000);
  assert.equal(driver.send({ ...failure, round: 2 }).state.status, "failed");
});

test("a sound update that is not taken is let go of; what a device merely names is not", () => {
  const driver = new JobDriver().open();
  driver.submit("a", { round: 9 });
  assert.deepEqual(driver.discarded(), [blob("update of a").digest]);
  driver.submit("stranger", { problem: "it is no update" });
  assert.deepEqual(driver.discarded(), []);
});

test("what a fold or a finalisation makes too late for its round is let go of", () => {
  const driver = new JobDriver().open().submit("a");
  driver.send({ type: "tick", now: 61_001 });
  driver.folded("sum", 62_000);
  assert.deepEqual(driver.effects, [{ type: "discard", blobs: [blob("sum").digest] }]);
  driver.send({ type: "cancelled", now: 63_000 });
  driver.finalised(blob("moments"), 64_000);
  assert.deepEqual(driver.effects, [
    { type: "discard", blobs: [blob("weights 1").digest, blob("moments").digest] },
  ]);
  assert.deepEqual(driver.state.base.weights, blob("base"));
});

test("[RC9] a job knows the latest time it has written down, as long as it runs", () => {
  const job = new JobDriver({ graceMs: 0 }).open(["a", "b", "c"], 5_000);
  assert.equal(lastTimeOf(job.state), 5_000);
  job.submit("a", {}, 6_000).submit("b", {}, 7_000);
  assert.equal(lastTimeOf(job.state), 7_000);
  job.send({ type: "cancelled", now: 8_000 });
  assert.equal(lastTimeOf(job.state), 0);
});
