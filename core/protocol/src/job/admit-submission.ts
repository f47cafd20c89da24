import type { Digest } from "../digest.ts";
import type { Transition } from "../transition.ts";
import type { JobEffect, ReceiptVerdict, SubmissionFacts } from "./job-event.ts";
import { hasEnded, type JobState, type Member, type RoundKind, type RoundState } from "./job-state.ts";
import { advanceRound } from "./round-lifecycle.ts";

/**
 * Decides about one submission and answers it with a receipt, always. A
 * repeated submission gets the answer of the first (SPEC SU1 to SU6, AK1 to AK4).
 */
export function admitSubmission(
  state: JobState,
  submission: SubmissionFacts,
  now: number,
): Transition<JobState, JobEffect> {
  const verdict = verdictWithoutBody(state, submission);
  if (verdict !== undefined) return answer(state, submission, verdict);
  const round = state.current;
  if (round === null || submission.problem === "missing" || submission.problem === "unchecked") {
    return { state, effects: [receipt(submission, "bodyMissing", "upload the body first")] };
  }
  if (submission.problem !== null) return failMember(state, round, submission, submission.problem, now);
  return accept(state, round, submission, now);
}

/** Whether the verdict depends on the body; if not, nobody need read it. */
export function dependsOnBody(state: JobState, submission: Omit<SubmissionFacts, "problem">): boolean {
  return verdictWithoutBody(state, submission) === undefined;
}

type Claim = Omit<SubmissionFacts, "problem">;

function verdictWithoutBody(state: JobState, submission: Claim): JobEffect | undefined {
  const known = memberOf(state, submission);
  if (known?.status === "contributed") return repeated(known, submission);
  if (known?.status === "failed" || known?.status === "excluded") {
    const verb = known.status === "failed" ? "has failed" : "was excluded from";
    return receipt(submission, "refused", `this device ${verb} the round: ${known.reason}`);
  }
  const round = state.current;
  const isOpen = round?.number === submission.round && round.phase === "collecting";
  if (hasEnded(state) || round === null || !isOpen) return outOfRound(state, submission);
  if (known === undefined) return receipt(submission, "refused", "this device is not in the round's cohort");
  const mismatch = mismatchOf(state, round, submission);
  return mismatch === undefined ? undefined : receipt(submission, "refused", mismatch);
}

function accept(
  state: JobState,
  round: RoundState,
  submission: SubmissionFacts,
  now: number,
): Transition<JobState, JobEffect> {
  const { device, body, weight, metrics, bits } = submission;
  const member: Member = { status: "contributed", reason: null, digest: body.digest, weight };
  const isFolded = round.kind !== "evaluate";
  const next: RoundState = {
    ...round,
    members: { ...round.members, [device]: member },
    queue: isFolded ? [...round.queue, { device, body, weight, metrics, ...(bits && { bits }) }] : [],
    metrics: { ...round.metrics, [device]: metrics },
    bytesUp: round.bytesUp + body.length,
  };
  const advanced = advanceRound(state, next, now);
  return { state: advanced.state, effects: [receipt(submission, "accepted", ""), ...advanced.effects] };
}

/** An unsound body will not get better by sending it again: the device is out of this round. */
function failMember(
  state: JobState,
  round: RoundState,
  submission: SubmissionFacts,
  reason: string,
  now: number,
): Transition<JobState, JobEffect> {
  const member: Member = { status: "failed", reason, digest: null, weight: 0 };
  const members = { ...round.members, [submission.device]: member };
  const advanced = advanceRound(state, { ...round, members }, now);
  const discard: JobEffect = { type: "discard", blobs: [submission.body.digest] };
  return {
    state: advanced.state,
    effects: [receipt(submission, "refused", reason), ...advanced.effects, discard],
  };
}

/** A sound update that is not taken goes, unless something else needs its bytes. */
function answer(
  state: JobState,
  submission: SubmissionFacts,
  verdict: JobEffect,
): Transition<JobState, JobEffect> {
  const discard: JobEffect = { type: "discard", blobs: [submission.body.digest] };
  return { state, effects: submission.problem === null ? [verdict, discard] : [verdict] };
}

function mismatchOf(state: JobState, round: RoundState, submission: Claim): string | undefined {
  const { plan, base } = state;
  if (submission.planDigest !== plan.digest) return "it was made under another plan";
  if (submission.configDigest !== round.configDigest) return "it was made under another configuration";
  if (submission.baseVersion !== base.version) {
    return `it starts from version ${submission.baseVersion}; the round's base is version ${base.version}`;
  }
  const format = round.kind === undefined ? (plan.format ?? "f32") : formats[round.kind];
  if (submission.format !== format) return `format "${submission.format}"; this round takes "${format}"`;
  if (submission.contributors.length !== 1 || submission.contributors[0] !== submission.device) {
    return "a client update has one contributor: the device that sends it";
  }
  const { weight } = submission;
  if (!Number.isInteger(weight) || weight < 1 || weight > plan.maxExamplesPerDevice) {
    return `weight ${weight}; an integer of 1 to ${plan.maxExamplesPerDevice} is needed`;
  }
  return undefined;
}

function repeated(member: Member, submission: Claim): JobEffect {
  return member.digest === submission.body.digest
    ? receipt(submission, "accepted", "")
    : receipt(submission, "refused", "this device has already contributed to the round");
}

function outOfRound(state: JobState, submission: Claim): JobEffect {
  if (submission.round >= state.nextRound) return receipt(submission, "refused", "no such round");
  return receipt(submission, "roundClosed", `round ${submission.round} has closed`);
}

/** The device's record in the round it submits to: the open one, or the one before. */
function memberOf(state: JobState, submission: Claim): Member | undefined {
  const { round, device } = submission;
  if (state.current?.number === round) return state.current.members[device];
  return state.last?.number === round ? state.last.members[device] : undefined;
}

const formats: Readonly<Record<RoundKind, string>> = { statistics: "statistics", evaluate: "evaluation" };

function receipt(submission: Claim, verdict: ReceiptVerdict, reason: string): JobEffect {
  const { device, round, body } = submission;
  const digest: Digest = body.digest;
  return { type: "receipt", round, device, digest, verdict, reason };
}
