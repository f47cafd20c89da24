import type { BlobReference, Digest } from "../digest.ts";
import type { Transition } from "../transition.ts";
import { type Closing, closeReason, countOf } from "./close-reason.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import { progressAfter } from "./job-goal.ts";
import type {
  AggregatorOutcome,
  JobState,
  JobStatus,
  Member,
  Metrics,
  RoundKind,
  RoundState,
  RoundSummary,
} from "./job-state.ts";
import { gathered, isDone, nextKind } from "./next-round.ts";

type JobTransition = Transition<JobState, JobEffect>;

/** How long an unanswered offer waits before it is sent again. */
export const offerRetryMs = 5_000;

/** Rounds without a quorum in a row after which a job gives up (SPEC RC6). */
export const failedRoundsMax = 5;

/** Asks the shell for a cohort, once at a time. */
export function openNextRound(state: JobState): JobTransition {
  // While the final model is written no further round opens.
  if (state.current !== null || isDone(state)) return { state, effects: [] };
  if (state.opening === "resting") return { state, effects: [] };
  if (state.opening !== "no") return { state: { ...state, opening: "askedAndChanged" }, effects: [] };
  return {
    state: { ...state, status: "waiting", opening: "asked", lookAgainAt: null },
    effects: [
      {
        type: "openRound",
        round: state.nextRound,
        waitingSince: state.waitingSince,
        ...(state.optimizerState !== null && { optimizerState: state.optimizerState }),
        ...aggregatorStateOf(state),
        ...lossesOf(state),
        ...nextKind(state),
        ...gathered(state),
      },
    ],
  };
}

export function openRound(
  state: JobState,
  event: Extract<JobEvent, { type: "cohortSelected" }>,
): JobTransition {
  const offered: Member = { status: "offered", reason: null, digest: null, weight: 0 };
  const round: RoundState = {
    number: event.round,
    ...nextKind(state),
    phase: "collecting",
    openedAt: event.now,
    deadlineAt: event.now + state.plan.deadlineMs,
    offeredAt: event.now,
    config: event.config,
    configDigest: event.config.digest,
    ...(event.control !== undefined && { control: event.control }),
    members: Object.fromEntries(event.devices.map((device) => [device, offered])),
    queue: [],
    folding: [],
    accumulator: null,
    folded: [],
    metrics: {},
    quorumAt: null,
    outcome: null,
    bytesUp: 0,
  };
  return {
    state: {
      ...state,
      status: "running",
      reason: null,
      opening: "no",
      nextRound: event.round + 1,
      current: round,
    },
    effects: event.devices.map((device) => ({ type: "offer", round: event.round, device })),
  };
}

/**
 * Moves a round as far as its members and the clock allow: starts a fold when
 * contributions wait, closes by full answer, quorum and grace, or deadline,
 * and finalises once all that was accepted is folded (SPEC RC1 to RC5).
 */
export function advanceRound(state: JobState, round: RoundState, now: number): JobTransition {
  const contributed = countOf(round, "contributed");
  const quorumAt = round.quorumAt ?? (contributed >= state.plan.quorum ? now : null);
  let next: RoundState = { ...round, quorumAt };
  const effects: JobEffect[] = [];
  if (next.phase === "collecting") {
    const close = closeReason(state, next, now);
    if (close?.failed === true) return failRound(state, next, close, now);
    if (close !== undefined) {
      effects.push(...noticesOf(next, close.reason));
      next = { ...next, phase: "folding" };
    }
  }
  if (mayFold(state, next) && next.folding.length === 0 && next.queue.length > 0) {
    next = { ...next, folding: next.queue, queue: [] };
    effects.push(foldEffect(next));
  }
  if (next.phase === "folding" && next.kind === "evaluate") {
    effects.push(combineEffect(next));
    next = { ...next, phase: "finalising" };
  }
  if (next.phase === "folding" && next.folding.length === 0 && next.accumulator !== null) {
    if (next.kind === "statistics") return completeStatistics(state, next, next.accumulator, effects, now);
    effects.push(finaliseEffect(state, next, next.accumulator));
    next = { ...next, phase: "finalising" };
  }
  return { state: { ...state, current: next }, effects };
}

/** A rule that needs every contribution at once gets them when no more come (SPEC RA1). */
function mayFold({ plan }: JobState, { kind, phase }: RoundState): boolean {
  return plan.atOnce === undefined || kind === "statistics" || phase !== "collecting";
}

/**
 * Ends a round without a result; the next one starts from the same weights, after
 * the grace time: what made this one fail seldom passes at once (SPEC RC6).
 */
function failRound(state: JobState, round: RoundState, close: Closing, now: number): JobTransition {
  const reason = `${close.reason}${close.detail ?? ""}`;
  const summary = summarise(state, round, "failed", reason, {}, now);
  if (isExtra(state, round)) return goWithout(state, round, close, summary);
  const failuresInARow = state.failuresInARow + 1;
  const between: JobState = {
    ...state,
    status: "waiting",
    current: null,
    opening: "resting",
    lookAgainAt: now + state.plan.graceMs,
    waitingSince: now,
    failuresInARow,
    last: summary,
  };
  const effects: JobEffect[] = [archive(summary), ...noticesOf(round, close.reason), ...discardOf(round)];
  const tooOften = failuresInARow >= failedRoundsMax;
  const after = tooOften
    ? endJob(between, "failed", `${failuresInARow} rounds in a row failed; the last: ${reason}`, now)
    : { state: between, effects: [] };
  return { state: after.state, effects: [...effects, ...after.effects] };
}

/** A training goes on without the figures of an evaluation that failed (SPEC EV5). */
function goWithout(state: JobState, round: RoundState, close: Closing, summary: RoundSummary): JobTransition {
  const { closedAt: waitingSince } = summary;
  const evaluatedAfter = state.roundsCompleted;
  const after = goOn({ ...state, current: null, waitingSince, evaluatedAfter, last: summary });
  const effects: JobEffect[] = [archive(summary), ...noticesOf(round, close.reason), ...discardOf(round)];
  return { state: after.state, effects: [...effects, ...after.effects] };
}

/** Whether a round measures what a training made, and the training does not depend on it. */
export function isExtra({ plan }: JobState, { kind }: RoundState): boolean {
  return kind === "evaluate" && plan.task === undefined;
}

/** What was folded is what was asked for: training begins. */
function completeStatistics(
  state: JobState,
  round: RoundState,
  statistics: BlobReference,
  effects: readonly JobEffect[],
  now: number,
): JobTransition {
  const summary = summarise(state, round, "completed", null, {}, now);
  const next: JobState = {
    ...state,
    statistics,
    current: null,
    waitingSince: now,
    failuresInARow: 0,
    last: summary,
  };
  const opened = openNextRound(next);
  return { state: opened.state, effects: [...effects, archive(summary), ...opened.effects] };
}

/** Takes the round's weights as the new base, and goes on or finishes. */
export function completeRound(
  state: JobState,
  round: RoundState,
  evaluation: Metrics,
  now: number,
): JobTransition {
  if (round.outcome === null) return { state, effects: [] };
  const version = state.base.version + 1;
  const made = summarise(state, round, "completed", null, evaluation, now);
  const summary: RoundSummary = { ...made, modelVersion: version };
  const next: JobState = {
    ...state,
    base: { version, weights: round.outcome.weights },
    trainedIn: round.number,
    ...checkpointed(state, round.number, round.outcome.weights),
    current: null,
    waitingSince: now,
    optimizerState: round.outcome.optimizerState,
    ...aggregatorStateOf(round.outcome),
    ...lossesOf(round.outcome),
    failuresInARow: 0,
    roundsCompleted: state.roundsCompleted + 1,
    ...progressAfter(state, summary),
    last: summary,
  };
  const checkpoints = next.checkpoints ?? [];
  const kept = [next.base, ...checkpoints].map(({ weights }) => weights.digest);
  if (next.optimizerState !== null) kept.push(next.optimizerState.digest);
  if (next.losses !== undefined) kept.push(next.losses.digest);
  const had = [state.base.weights.digest, state.optimizerState?.digest, state.losses?.digest];
  const before = had.flatMap((one) => one ?? []);
  const spent = before.filter((digest) => !kept.includes(digest));
  const effects: JobEffect[] = [archive(summary), ...discardOf({ ...round, outcome: null }, spent)];
  const after = goOn(next);
  return { state: after.state, effects: [...effects, ...after.effects] };
}

function checkpointed(
  { plan: { keepEvery }, checkpoints = [], roundsCompleted }: JobState,
  round: number,
  weights: BlobReference,
): Pick<JobState, "checkpoints"> {
  if (keepEvery === undefined || (roundsCompleted + 1) % keepEvery > 0) return {};
  return { checkpoints: [...checkpoints, { round, weights }] };
}

/** What follows a round of a job that trains: the next one, or its model. */
export function goOn(state: JobState): JobTransition {
  if (!isDone(state)) return openNextRound(state);
  return { state, effects: [{ type: "writeModel", weights: state.base.weights, ...gathered(state) }] };
}

export function endJob(
  state: JobState,
  status: JobStatus,
  reason: string | null,
  now: number,
): JobTransition {
  const ended: JobState = {
    ...state,
    status,
    reason,
    endedAt: now,
    opening: "no",
    lookAgainAt: null,
    current: null,
  };
  const round = state.current;
  const why = reason ?? "the job ended";
  const told = state.plan.keeps === true ? [jobEnded(state, why)] : [];
  if (round === null) return { state: ended, effects: told };
  const summary = summarise(state, round, "failed", why, {}, now);
  const effects = [archive(summary), ...noticesOf(round, why), ...discardOf(round)];
  return { state: { ...ended, last: summary }, effects: [...effects, ...told] };
}

function jobEnded({ nextRound }: JobState, reason: string): JobEffect {
  return { type: "jobEnded", round: nextRound - 1, reason };
}

function lossesOf({ losses }: Pick<JobState, "losses">): Pick<JobState, "losses"> {
  return losses === undefined ? {} : { losses };
}

export function archive(summary: RoundSummary): JobEffect {
  return { type: "archiveRound", summary };
}

export function noticesOf(round: RoundState, reason: string): JobEffect[] {
  const waiting = Object.entries(round.members).filter(
    ([, member]) => member.status === "offered" || member.status === "accepted",
  );
  return waiting.map(([device]) => ({ type: "roundClosed", round: round.number, device, reason }));
}

/** Blobs that nothing needs once the round is over. */
export function discardOf(round: RoundState, spent: readonly Digest[] = []): JobEffect[] {
  const pending = [...round.queue, ...round.folding].map((contribution) => contribution.body.digest);
  const { weights, optimizerState, losses } = round.outcome ?? {};
  const made = [weights, optimizerState, losses, round.accumulator, round.control];
  const blobs = [...spent, ...pending, ...made.flatMap((blob) => blob?.digest ?? [])];
  return blobs.length === 0 ? [] : [{ type: "discard", blobs }];
}

function foldEffect(round: RoundState): JobEffect {
  const { number, accumulator, folding, config } = round;
  return { type: "fold", round: number, ...kindOf(round), accumulator, contributions: folding, config };
}

function combineEffect({ members, metrics, number }: RoundState): JobEffect {
  const weights = Object.fromEntries(
    Object.keys(metrics).map((device) => [device, members[device]?.weight ?? 0]),
  );
  return { type: "combine", round: number, metrics, weights };
}

function aggregatorStateOf({
  aggregatorState,
}: AggregatorOutcome): Pick<AggregatorOutcome, "aggregatorState"> {
  return aggregatorState === undefined ? {} : { aggregatorState };
}

function kindOf({ kind }: RoundState): { readonly kind?: RoundKind } {
  return kind === undefined ? {} : { kind };
}

function finaliseEffect(
  state: JobState,
  round: RoundState,
  accumulator: NonNullable<RoundState["accumulator"]>,
): JobEffect {
  return {
    type: "finalise",
    round: round.number,
    accumulator,
    config: round.config,
    base: state.base.weights,
    optimizerState: state.optimizerState,
    ...aggregatorStateOf(state),
    ...lossesOf(state),
    metrics: round.metrics,
    weights: Object.fromEntries(round.folded.map((device) => [device, round.members[device]?.weight ?? 0])),
  };
}

export function summarise(
  state: JobState,
  round: RoundState,
  status: RoundSummary["status"],
  reason: string | null,
  evaluation: Metrics,
  now: number,
): RoundSummary {
  const readers = Object.values(round.members).filter(
    (member) => !["offered", "declined"].includes(member.status),
  );
  return {
    number: round.number,
    ...kindOf(round),
    status,
    reason,
    openedAt: round.openedAt,
    closedAt: now,
    modelVersion: 0,
    members: round.members,
    // What devices measure is the model that the coordinator measured before.
    evaluation: round.kind === "evaluate" ? (state.last?.evaluation ?? {}) : evaluation,
    federated: round.outcome?.federated ?? {},
    ...(round.outcome?.breakdown && { breakdown: round.outcome.breakdown }),
    ...(round.outcome?.measurements && { measurements: round.outcome.measurements }),
    bytesUp: round.bytesUp,
    // Who gives statistics of columns reads no weights.
    bytesDown: round.kind !== "statistics" ? readers.length * state.base.weights.length : 0,
  };
}
