import { SelvedgeError } from "../errors.ts";
import type { Transition } from "../transition.ts";
import { admitSubmission } from "./admit-submission.ts";
import { completeEvaluation } from "./complete-evaluation.ts";
import { excludeDevice } from "./exclude-device.ts";
import type { JobEffect, JobEvent, OfferAnswer } from "./job-event.ts";
import { goalReached } from "./job-goal.ts";
import { hasEnded, type JobPlan, type JobState, type Member, type RoundState } from "./job-state.ts";
import { gathered } from "./next-round.ts";
import { passRound } from "./pass-round.ts";
import {
  advanceRound,
  completeRound,
  endJob,
  offerRetryMs,
  openNextRound,
  openRound,
} from "./round-lifecycle.ts";

type JobTransition = Transition<JobState, JobEffect>;

/**
 * One step of a job: pure, total, and the only code that decides what a job
 * does. Rules: SPEC sections OF, SU, AK and RC.
 *
 * @throws SelvedgeError `internal` when an event reaches a job that was never created.
 */
export function stepJob(state: JobState | undefined, event: JobEvent): JobTransition {
  if (state === undefined) {
    if (event.type === "created") return openNextRound(newJob(event.plan, event.weights, event.now));
    throw new SelvedgeError("internal", `event "${event.type}" for a job that does not exist`);
  }
  switch (event.type) {
    case "submitted":
      return admitSubmission(state, event.submission, event.now);
    case "created":
      return unchanged(state);
    default:
      return isLate(state, event) ? abandon(state, event) : stepLiveJob(state, event);
  }
}

/** When the job next wants a `tick`, Unix milliseconds; undefined = not until something happens. */
export function jobWakeAt(state: JobState): number | undefined {
  if (hasEnded(state)) return undefined;
  const round = state.current;
  if (round === null) return state.lookAgainAt ?? undefined;
  if (round.phase !== "collecting") return undefined;
  const times = [round.deadlineAt];
  if (round.quorumAt !== null) times.push(round.quorumAt + state.plan.graceMs);
  if (Object.values(round.members).some((member) => member.status === "offered")) {
    times.push(round.offeredAt + offerRetryMs);
  }
  return Math.min(...times);
}

type LiveEvent = Exclude<JobEvent, { type: "created" } | { type: "submitted" }>;

/** Everything but a submission is for a job that runs, and a result for the round that asked for it. */
function isLate(state: JobState, event: LiveEvent): boolean {
  if (hasEnded(state)) return true;
  return (event.type === "folded" || event.type === "finalised") && event.round !== state.current?.number;
}

/** What was made in vain goes; the shell keeps it if something else made the same bytes. */
function abandon(state: JobState, event: LiveEvent): JobTransition {
  switch (event.type) {
    case "folded":
      return { state, effects: [{ type: "discard", blobs: [event.accumulator.digest] }] };
    case "finalised": {
      const made = [event.weights, event.optimizerState, event.losses].flatMap((blob) => blob?.digest ?? []);
      return { state, effects: [{ type: "discard", blobs: made }] };
    }
    default:
      return unchanged(state);
  }
}

function stepLiveJob(state: JobState, event: LiveEvent): JobTransition {
  switch (event.type) {
    case "cohortSelected":
      return state.opening !== "no" && event.round === state.nextRound
        ? openRound(state, event)
        : unchanged(state);
    case "nobodyDrawn":
      return state.opening !== "no" && event.round === state.nextRound
        ? passRound(state, event)
        : unchanged(state);
    case "cohortShort":
      return onCohortShort(state, event);
    case "deviceOnline":
      return onDeviceOnline(state, event.device);
    case "deviceExcluded":
      return excludeDevice(state, event);
    case "replied":
      return onReply(state, event.device, event.round, event.answer, event.now);
    case "folded":
      return onFolded(state, event);
    case "finalised":
      return onFinalised(state, event);
    case "combined": {
      const { breakdown, federated, now } = event;
      return inRound(state, event.round, "finalising", (round) =>
        completeEvaluation(state, round, { federated, breakdown }, now),
      );
    }
    case "evaluated":
      return inRound(state, event.round, "evaluating", (round) =>
        completeRound(state, round, event.metrics, event.now),
      );
    case "modelWritten":
      return endJob({ ...state, model: event.model }, "completed", goalReached(state), event.now);
    case "effectFailed":
      return onEffectFailed(state, event);
    case "cancelled":
      return endJob(state, "cancelled", "cancelled by an operator", event.now);
    case "tick":
      return onTick(state, event.now);
  }
}

function newJob(plan: JobPlan, weights: JobState["base"]["weights"], now: number): JobState {
  return {
    plan,
    status: "waiting",
    reason: null,
    createdAt: now,
    endedAt: null,
    waitingSince: now,
    opening: "no",
    lookAgainAt: null,
    base: { version: 0, weights },
    optimizerState: null,
    nextRound: 1,
    roundsCompleted: 0,
    failuresInARow: 0,
    current: null,
    last: null,
    model: null,
  };
}

/** A device that comes back gets its open offer again (SPEC OF4); a waiting job looks for a cohort. */
function onDeviceOnline(state: JobState, device: string): JobTransition {
  const round = state.current;
  if (round === null) return openNextRound(state);
  const status = round.members[device]?.status;
  const outstanding = status === "offered" || status === "accepted";
  if (round.phase !== "collecting" || !outstanding) return unchanged(state);
  return { state, effects: [{ type: "offer", round: round.number, device }] };
}

/** Too few devices: look again when the grace time is over, or when one comes online. */
function onCohortShort(
  state: JobState,
  { reason, now }: Extract<JobEvent, { type: "cohortShort" }>,
): JobTransition {
  const asked: JobState = { ...state, opening: "no", reason };
  if (state.opening === "askedAndChanged") return openNextRound(asked);
  const graceEnd = state.waitingSince + state.plan.graceMs;
  return { state: { ...asked, lookAgainAt: now < graceEnd ? graceEnd : null }, effects: [] };
}

function onReply(
  state: JobState,
  device: string,
  number: number,
  answer: OfferAnswer,
  now: number,
): JobTransition {
  const round = state.current;
  const member = round?.members[device];
  if (round === null || round.number !== number || round.phase !== "collecting") return unchanged(state);
  if (member === undefined || !replyCounts(member, answer)) return unchanged(state);
  const reason = answer.kind === "accepted" ? null : answer.reason;
  const next: Member = { ...member, status: answer.kind, reason };
  return advanceRound(state, { ...round, members: { ...round.members, [device]: next } }, now);
}

/** A contribution is final, and so is a failure; short of that a device may still change its answer. */
function replyCounts(member: Member, answer: OfferAnswer): boolean {
  return !["contributed", "failed", "excluded", answer.kind].includes(member.status);
}

function onFolded(state: JobState, event: Extract<JobEvent, { type: "folded" }>): JobTransition {
  const round = state.current;
  if (round === null || round.number !== event.round || round.folding.length === 0) return unchanged(state);
  const folded = [...round.folded, ...round.folding.map((contribution) => contribution.device)];
  const members = withLeftOut(state, round, event.leftOut);
  const next: RoundState = { ...round, members, accumulator: event.accumulator, folded, folding: [] };
  const kept = new Set(next.queue.map((contribution) => contribution.body.digest));
  const spent = round.folding.map((contribution) => contribution.body.digest);
  if (round.accumulator !== null) spent.push(round.accumulator.digest);
  const blobs = spent.filter((digest) => !kept.has(digest) && digest !== event.accumulator.digest);
  const after = advanceRound(state, next, event.now);
  return { state: after.state, effects: [...after.effects, { type: "discard", blobs }] };
}

/** They contributed; that their updates moved nothing is said with the reason. */
function withLeftOut(
  { plan }: JobState,
  { members }: RoundState,
  leftOut: readonly string[] = [],
): RoundState["members"] {
  const left = leftOut.flatMap((device) => {
    const member = members[device];
    return member === undefined ? [] : [[device, { ...member, reason: `left out by ${plan.atOnce}` }]];
  });
  return { ...members, ...Object.fromEntries(left) };
}

function onFinalised(state: JobState, event: Extract<JobEvent, { type: "finalised" }>): JobTransition {
  return inRound(state, event.round, "finalising", (round) => {
    const { type: _type, round: _number, now: _now, ...outcome } = event;
    const decided: RoundState = { ...round, phase: "evaluating", outcome };
    const { weights } = event;
    const dataset = state.plan.evaluationDataset;
    if (dataset === null) return completeRound(state, decided, {}, event.now);
    return {
      state: { ...state, current: decided },
      effects: [{ type: "evaluate", round: round.number, weights, dataset, ...gathered(state) }],
    };
  });
}

/** Work for a round that is over fails because its blobs are gone: that harms nothing. */
function onEffectFailed(state: JobState, event: Extract<JobEvent, { type: "effectFailed" }>): JobTransition {
  if (event.round !== null && event.round !== state.current?.number) return unchanged(state);
  return endJob(state, "failed", `${event.what}: ${event.reason}`, event.now);
}

function onTick(state: JobState, now: number): JobTransition {
  const round = state.current;
  if (round === null) return onTickBetweenRounds(state, now);
  if (round.phase !== "collecting") return unchanged(state);
  const advanced = advanceRound(state, round, now);
  if (advanced.state.current?.phase !== "collecting") return advanced;
  if (now < round.offeredAt + offerRetryMs) return advanced;
  return offerAgain(advanced, now);
}

function onTickBetweenRounds(state: JobState, now: number): JobTransition {
  if (state.lookAgainAt !== null && now < state.lookAgainAt) return unchanged(state);
  return openNextRound(state.opening === "resting" ? { ...state, opening: "no" } : state);
}

/** A lost offer, or a lost answer to it, costs one retry interval and nothing else (SPEC OF4). */
function offerAgain(advanced: JobTransition, now: number): JobTransition {
  const round = advanced.state.current;
  if (round === null) return advanced;
  const silent = Object.entries(round.members).filter(([, member]) => member.status === "offered");
  const offers = silent.map(([device]): JobEffect => ({ type: "offer", round: round.number, device }));
  const state = { ...advanced.state, current: { ...round, offeredAt: now } };
  return { state, effects: [...advanced.effects, ...offers] };
}

function inRound(
  state: JobState,
  number: number,
  phase: RoundState["phase"],
  then: (round: RoundState) => JobTransition,
): JobTransition {
  const round = state.current;
  return round !== null && round.number === number && round.phase === phase ? then(round) : unchanged(state);
}

function unchanged(state: JobState): JobTransition {
  return { state, effects: [] };
}
