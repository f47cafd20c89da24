import type { Digest } from "../digest.ts";
import type { OfferAnswer, ReceiptVerdict } from "../job/job-event.ts";
import type { Transition } from "../transition.ts";
import {
  type DeviceState,
  emptyDevice,
  type OfferFacts,
  type Task,
  type TrainingResult,
} from "./device-state.ts";
import {
  awaitsVerdict,
  expiredJobs,
  keepNext,
  keptBlobs,
  keptFor,
  keptOf,
  nextExpiry,
  taskBlobs,
  withoutKept,
  withoutNext,
} from "./kept-states.ts";

/** All that can happen to a device. Times are Unix milliseconds. */
export type DeviceEvent =
  /** `refusal` says why the offer is not taken: unsound, or against the owner's policy; null = taken. */
  | { readonly type: "offered"; readonly offer: OfferFacts; readonly refusal: string | null }
  | {
      readonly type: "trained";
      readonly job: string;
      readonly round: number;
      readonly result: TrainingResult;
    }
  | { readonly type: "trainingFailed"; readonly job: string; readonly round: number; readonly reason: string }
  /** `coordinator` is its epoch. */
  | { readonly type: "connected"; readonly coordinator: string }
  | {
      readonly type: "submitted";
      readonly job: string;
      readonly round: number;
      readonly bytes: number;
      readonly now: number;
    }
  | {
      readonly type: "receipt";
      readonly job: string;
      readonly round: number;
      readonly digest: string;
      readonly verdict: ReceiptVerdict;
    }
  /** `jobEnded`: no round of the job follows. */
  | {
      readonly type: "roundClosed";
      readonly job: string;
      readonly round: number;
      readonly jobEnded?: boolean;
    }
  | { readonly type: "tick"; readonly now: number };

/** All that a device asks its shell to do. Performed at least once, after the commit. */
export type DeviceEffect =
  | { readonly type: "reply"; readonly job: string; readonly round: number; readonly answer: OfferAnswer }
  | { readonly type: "train"; readonly offer: OfferFacts }
  | { readonly type: "cancelTraining"; readonly job: string; readonly round: number }
  | { readonly type: "submit"; readonly offer: OfferFacts; readonly result: TrainingResult }
  | { readonly type: "discard"; readonly blobs: readonly Digest[] };

/** How long a submission waits for its receipt before it is sent again. */
export const submissionRetryMs = 10_000;

const dayMs = 86_400_000;

type DeviceTransition = Transition<DeviceState, DeviceEffect>;

/**
 * One step of a device: pure and total. Rules: SPEC sections OF, RE, SU and AK.
 */
export function stepDevice(state: DeviceState | undefined, event: DeviceEvent): DeviceTransition {
  const device = state ?? emptyDevice;
  switch (event.type) {
    case "offered":
      return onOffer(device, event.offer, event.refusal);
    case "trained":
      return onTrained(device, event.job, event.round, event.result);
    case "trainingFailed":
      return onTrainingFailed(device, event.job, event.round, event.reason);
    case "connected":
      return onConnected(device, event.coordinator);
    case "submitted":
      return onSubmitted(device, event);
    case "receipt":
      return onReceipt(device, event);
    case "roundClosed":
      return onRoundClosed(device, event);
    case "tick":
      return onTick(device, event.now);
  }
}

/** When the device next wants a `tick`; undefined = not until something happens. */
export function deviceWakeAt(state: DeviceState): number | undefined {
  const sent = state.tasks.flatMap((task) => task.submittedAt ?? []);
  const times = [...sent.map((at) => at + submissionRetryMs), nextExpiry(state) ?? []].flat();
  return times.length === 0 ? undefined : Math.min(...times);
}

/** When the device last sent what waits in its outbox, Unix milliseconds; 0 = not yet. */
export function lastSubmittedAt(state: DeviceState): number {
  return Math.max(0, ...state.tasks.map((task) => task.submittedAt ?? 0));
}

/**
 * What waits in the outbox is sent. A coordinator of another epoch was restored from a backup, or
 * made anew: rounds of the same number are others there, so nothing that was meant for the one
 * before may reach it (SPEC ST7).
 */
function onConnected(state: DeviceState, coordinator: string): DeviceTransition {
  if (state.coordinator === coordinator) return { state, effects: state.tasks.flatMap(submission) };
  const greeted = { ...state, coordinator };
  if (state.coordinator === undefined) return { state: greeted, effects: state.tasks.flatMap(submission) };
  const blobs = [...state.tasks.flatMap(taskBlobs), ...keptOf(state).map(({ body }) => body.digest)];
  const cleared = { ...greeted, tasks: [], kept: [] };
  const cancelled = state.tasks.filter((task) => task.phase === "training").map(cancellation);
  return { state: cleared, effects: [...cancelled, ...discard(cleared, blobs)] };
}

/** A repeated offer gets the first answer again; a result that is already made is sent again too. */
function onOffer(state: DeviceState, offer: OfferFacts, refusal: string | null): DeviceTransition {
  const { job, round } = offer;
  const known = find(state, job, round);
  if (known !== undefined) return { state, effects: [accepted(job, round), ...submission(known)] };
  if (refusal !== null) return { state, effects: [{ type: "reply", job, round, answer: declined(refusal) }] };
  // It was on its way while the round's result got its receipt: what is kept must not go through it twice (SPEC CS1).
  const isDone = (keptFor(state, job)?.round ?? 0) >= round;
  if (isDone) return { state, effects: [accepted(job, round)] };
  const cleared = supersede(state, job, round);
  const task: Task = { offer, phase: "queued", result: null, submittedAt: null };
  const queued = { ...cleared.state, tasks: [...cleared.state.tasks, task] };
  const started = startNext(queued);
  return { state: started.state, effects: [...cleared.effects, accepted(job, round), ...started.effects] };
}

/** A later round of a job makes work for an earlier one pointless, unless its result is already made. */
function supersede(state: DeviceState, job: string, round: number): DeviceTransition {
  const stale = state.tasks.filter(
    (task) => task.offer.job === job && task.offer.round < round && task.phase !== "trained",
  );
  const rest = { ...state, tasks: state.tasks.filter((task) => !stale.includes(task)) };
  const cancelled = stale.filter((task) => task.phase === "training").map(cancellation);
  return {
    state: rest,
    effects: [...cancelled, ...discard(rest, stale.flatMap(taskBlobs))],
  };
}

/** One training at a time: a device has other work to do. */
function startNext(state: DeviceState): DeviceTransition {
  const next = state.tasks.find(({ phase, offer }) => phase === "queued" && !awaitsVerdict(state, offer.job));
  if (next === undefined || state.tasks.some((task) => task.phase === "training"))
    return { state, effects: [] };
  return {
    state: replace(state, next, { ...next, phase: "training" }),
    effects: [{ type: "train", offer: next.offer }],
  };
}

function onTrained(state: DeviceState, job: string, round: number, result: TrainingResult): DeviceTransition {
  const task = find(state, job, round);
  const { kept } = result;
  if (task?.phase !== "training") {
    const made = [result.body.digest, ...(kept === undefined ? [] : [kept.body.digest])];
    return { state, effects: discard(state, made) };
  }
  const trained: Task = { ...task, phase: "trained", result };
  const replaced = replace(state, task, trained);
  const keeping =
    kept === undefined || kept.ifCounted === true ? replaced : keepNext(replaced, trained, kept);
  const started = startNext(keeping);
  const spent = discard(started.state, keptBlobs(state, [job]));
  return { state: started.state, effects: [...submission(trained), ...spent, ...started.effects] };
}

/**
 * With a job that has ended goes what is kept for it, and all that would keep something for it again: trainings of
 * earlier rounds, and what came of those whose results await their receipts (SPEC CS4).
 */
function onRoundClosed(
  state: DeviceState,
  { job, round, jobEnded }: Extract<DeviceEvent, { type: "roundClosed" }>,
): DeviceTransition {
  if (jobEnded !== true) return drop(state, job, round);
  // Earlier rounds first: none of them is begun in place of the one that closes.
  const cleared = supersede(state, job, round);
  const dropped = drop(cleared.state, job, round);
  const forgotten = forget(dropped.state, [job]);
  const started = startNext(forgotten.state);
  const effects = [cleared, dropped, forgotten, started].flatMap((step) => step.effects);
  return { state: started.state, effects };
}

/** Lets go of what is kept for these jobs, and of what their results would put in its place. */
function forget(state: DeviceState, jobs: readonly string[]): DeviceTransition {
  if (jobs.length === 0) return { state, effects: [] };
  const tasks = state.tasks.map((task) => (jobs.includes(task.offer.job) ? withoutNext(task) : task));
  const rest = withoutKept({ ...state, tasks }, jobs);
  return {
    state: rest,
    effects: discard(rest, [...state.tasks.flatMap(taskBlobs), ...keptBlobs(state, jobs)]),
  };
}

function onTrainingFailed(state: DeviceState, job: string, round: number, reason: string): DeviceTransition {
  const task = find(state, job, round);
  if (task?.phase !== "training") return { state, effects: [] };
  const dropped = drop(state, job, round);
  const reply: DeviceEffect = { type: "reply", job, round, answer: { kind: "failed", reason } };
  const effects = dropped.effects.filter((effect) => effect.type !== "cancelTraining");
  return { state: dropped.state, effects: [reply, ...effects] };
}

function onSubmitted(
  state: DeviceState,
  event: Extract<DeviceEvent, { type: "submitted" }>,
): DeviceTransition {
  const day = Math.floor(event.now / dayMs);
  const before = state.sent.day === day ? state.sent.bytes : 0;
  const counted: DeviceState = { ...state, sent: { day, bytes: before + event.bytes } };
  const task = find(state, event.job, event.round);
  if (task?.phase !== "trained") return { state: counted, effects: [] };
  return { state: replace(counted, task, { ...task, submittedAt: event.now }), effects: [] };
}

/** Only the coordinator's own receipt, for these very bytes, lets go of a result (SPEC AK1). */
function onReceipt(state: DeviceState, event: Extract<DeviceEvent, { type: "receipt" }>): DeviceTransition {
  const task = find(state, event.job, event.round);
  if (task?.phase !== "trained" || task.result?.body.digest !== event.digest) return { state, effects: [] };
  if (event.verdict === "bodyMissing") return { state, effects: submission(task) };
  const { kept } = task.result;
  if (event.verdict !== "accepted" || kept?.ifCounted !== true) return drop(state, event.job, event.round);
  const before = keptBlobs(state, [event.job]);
  const dropped = drop(keepNext(state, task, kept), event.job, event.round);
  return { state: dropped.state, effects: [...dropped.effects, ...discard(dropped.state, before)] };
}

/** Takes a task out, whatever it was doing. */
function drop(state: DeviceState, job: string, round: number): DeviceTransition {
  const task = find(state, job, round);
  if (task === undefined) return { state, effects: [] };
  const rest: DeviceState = { ...state, tasks: state.tasks.filter((other) => other !== task) };
  const effects: DeviceEffect[] = task.phase === "training" ? [cancellation(task)] : [];
  effects.push(...discard(rest, taskBlobs(task)));
  const started = startNext(rest);
  return { state: started.state, effects: [...effects, ...started.effects] };
}

function onTick(before: DeviceState, now: number): DeviceTransition {
  const { state, effects } = forget(before, expiredJobs(before, now));
  const due = state.tasks.filter(
    (task) => task.submittedAt !== null && task.submittedAt + submissionRetryMs <= now,
  );
  if (due.length === 0) return { state, effects };
  // Reset, so that the device sleeps until the shell reports the new attempt.
  const tasks = state.tasks.map((task) => (due.includes(task) ? { ...task, submittedAt: null } : task));
  return { state: { ...state, tasks }, effects: [...effects, ...due.flatMap(submission)] };
}

function submission(task: Task): DeviceEffect[] {
  return task.result === null ? [] : [{ type: "submit", offer: task.offer, result: task.result }];
}

/** Equal contents share one blob: it goes only when no other task needs it. */
function discard(state: DeviceState, blobs: readonly Digest[]): DeviceEffect[] {
  const needed = new Set([
    ...state.tasks.flatMap(taskBlobs),
    ...keptOf(state).map(({ body }) => body.digest),
  ]);
  const free = [...new Set(blobs)].filter((digest) => !needed.has(digest));
  return free.length === 0 ? [] : [{ type: "discard", blobs: free }];
}

function accepted(job: string, round: number): DeviceEffect {
  return { type: "reply", job, round, answer: { kind: "accepted" } };
}

function declined(reason: string): OfferAnswer {
  return { kind: "declined", reason };
}

function cancellation(task: Task): DeviceEffect {
  return { type: "cancelTraining", job: task.offer.job, round: task.offer.round };
}

function find(state: DeviceState, job: string, round: number): Task | undefined {
  return state.tasks.find((task) => task.offer.job === job && task.offer.round === round);
}

function replace(state: DeviceState, task: Task, by: Task): DeviceState {
  return { ...state, tasks: state.tasks.map((other) => (other === task ? by : other)) };
}
