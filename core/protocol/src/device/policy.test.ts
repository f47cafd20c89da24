import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../digest.ts";
import { emptyDevice, type OfferFacts } from "./device-state.ts";
import { matchPolicy, type Policy, type PolicyContext } from "./policy.ts";

const digest = digestOf(Buffer.from("plan"));
const signer = `ed25519:${"0".repeat(64)}`;
const offer: OfferFacts = {
  job: "digits",
  round: 1,
  plan: "",
  planDigest: digest,
  signer,
  base: { digest, length: 100 },
  baseVersion: 0,
  config: "{}",
  configDigest: digest,
  cohort: 3,
  deadlineAt: 0,
};
const open: Policy = {
  signers: [signer],
  plans: null,
  tasks: ["train", "evaluate"],
  minimumCohort: 1,
  maxExamplesPerDevice: 1_000,
  hours: null,
  customLoss: false,
  statistics: true,
  classCounts: true,
  maxBytesPerDay: null,
  maxKeptJobs: 16,
  maxKeptBytes: 1e9,
};
const context: PolicyContext = { minuteOfDay: 720, day: 5, maxExamplesPerDevice: 100, classCounts: false };

function judge(
  policy: Partial<Policy>,
  change: Partial<PolicyContext> = {},
  sent = emptyDevice.sent,
): string | null {
  return matchPolicy({ ...open, ...policy }, offer, { ...emptyDevice, sent }, { ...context, ...change });
}

test("[OF3] an offer within every rule is allowed", () => {
  assert.equal(judge({}), null);
  assert.equal(judge({ plans: [digest] }), null);
});

test("[OF3] each rule refuses by its own name", () => {
  assert.match(judge({ signers: [] }) ?? "", /^policy signers/);
  assert.match(judge({ plans: [] }) ?? "", /^policy plans/);
  assert.match(judge({ minimumCohort: 4 }) ?? "", /^policy minimumCohort/);
  assert.match(judge({ maxExamplesPerDevice: 99 }) ?? "", /^policy maxExamplesPerDevice/);
  assert.match(judge({ hours: { start: 0, end: 720 } }) ?? "", /^policy hours: only 00:00 to 12:00/);
  assert.match(judge({ maxBytesPerDay: 99 }) ?? "", /^policy maxBytesPerDay/);
});

test("[OF3] an owner may allow trainings and no evaluations, or the other way round", () => {
  const evaluation: OfferFacts = { ...offer, kind: "evaluate", task: "evaluate", answerBytes: 30 };
  const judged = (asked: OfferFacts, tasks: Policy["tasks"]): string | null =>
    matchPolicy({ ...open, tasks }, asked, emptyDevice, context);
  assert.equal(judged(evaluation, ["evaluate"]), null);
  assert.equal(judged(evaluation, ["train"]), 'policy tasks: "evaluate" is not among those allowed');
  assert.equal(judged(offer, ["evaluate"]), 'policy tasks: "train" is not among those allowed');
});

test("[OF3] statistics are given only where the owner says so, and count as what they may have", () => {
  const asked: OfferFacts = { ...offer, kind: "statistics", answerBytes: 30 };
  const judged = (policy: Partial<Policy>): string | null =>
    matchPolicy({ ...open, ...policy }, asked, emptyDevice, context);
  assert.match(judged({ statistics: false }) ?? "", /^policy statistics/);
  assert.equal(judge({ statistics: false }), null);
  assert.equal(judged({ maxBytesPerDay: 30 }), null);
  assert.match(judged({ maxBytesPerDay: 29 }) ?? "", /30 more/);
});

test("[OF3] counts of classes and sums of targets are given only where the owner says so", () => {
  assert.match(judge({ classCounts: false }, { classCounts: true }) ?? "", /^policy classCounts/);
  assert.equal(judge({ classCounts: false }), null);
  assert.equal(judge({}, { classCounts: true }), null);
});

test("[OF9] a loss that is an output of the plan's model is the owner's to allow", () => {
  const asked: OfferFacts = { ...offer, customLoss: true };
  const judged = (customLoss: boolean): string | null =>
    matchPolicy({ ...open, customLoss }, asked, emptyDevice, context);
  assert.match(judged(false) ?? "", /^policy customLoss: .*could copy an example/);
  assert.equal(judged(true), null);
});

test("[OF3] hours may wrap past midnight", () => {
  const hours = { start: 22 * 60, end: 6 * 60 };
  const allowed = [21 * 60 + 59, 22 * 60, 0, 6 * 60 - 1, 6 * 60].map(
    (minuteOfDay) => judge({ hours }, { minuteOfDay }) === null,
  );
  assert.deepEqual(allowed, [false, true, true, true, false]);
});

test("[OF3] bytes of the same day count, those of another do not", () => {
  assert.match(judge({ maxBytesPerDay: 150 }, {}, { day: 5, bytes: 51 }) ?? "", /51 bytes sent today/);
  assert.equal(judge({ maxBytesPerDay: 150 }, {}, { day: 5, bytes: 50 }), null);
  assert.equal(judge({ maxBytesPerDay: 150 }, {}, { day: 4, bytes: 1_000 }), null);
});

test("[OF3] what is taken on and not sent yet counts as well", () => {
  const task = { offer, phase: "queued", result: null, submittedAt: null } as const;
  const state = { tasks: [task], sent: emptyDevice.sent };
  const policy = { ...open, maxBytesPerDay: 150 };
  assert.match(matchPolicy(policy, offer, state, context) ?? "", /100 promised/);
  assert.equal(matchPolicy(policy, offer, { ...state, tasks: [] }, context), null);
});

test("[OF3] what a plan keeps on the device has the owner's bounds, in jobs and in bytes", () => {
  const keeping: OfferFacts = { ...offer, keptBytes: 100 };
  const kept = [{ job: "other", round: 1, body: { digest, length: 60 }, expiresAt: 0 }];
  const judged = (policy: Partial<Policy>, asked = keeping): string | null =>
    matchPolicy({ ...open, ...policy }, asked, { ...emptyDevice, kept }, context);
  assert.match(judged({ maxKeptJobs: 1 }) ?? "", /^policy maxKeptJobs: .* 1 other/);
  assert.match(judged({ maxKeptBytes: 159 }) ?? "", /^policy maxKeptBytes: 60 bytes .* 100 more/);
  assert.equal(judged({ maxKeptJobs: 2, maxKeptBytes: 160 }), null);
  // In place of its own, and nothing for a plan that keeps nothing.
  assert.equal(judged({ maxKeptJobs: 1, maxKeptBytes: 100 }, { ...keeping, job: "other" }), null);
  assert.equal(judged({ maxKeptJobs: 0, maxKeptBytes: 0 }, offer), null);
});
