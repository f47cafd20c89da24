import type { BlobReference, Digest } from "../digest.ts";
import type { DeviceState, Task } from "./device-state.ts";

/** What a device keeps for itself from one round of a job to the next; it never leaves. */
export interface KeptState {
  readonly job: string;
  /** The round that made it. */
  readonly round: number;
  readonly body: BlobReference;
  /** Unix milliseconds: let go of when the job has not been trained for until then. */
  readonly expiresAt: number;
}

/** What a training made of what the device keeps, and goes into effect together with its result. */
export interface NextKept extends Omit<KeptState, "job" | "round"> {
  /** The round whose state it went on from; null = it began anew. */
  readonly since: number | null;
  /** It goes into effect only once the update has counted: the server keeps its share of it in step. */
  readonly ifCounted?: boolean;
}

/** What is kept for a job; undefined = nothing. */
export function keptFor(state: DeviceState, job: string): KeptState | undefined {
  return keptOf(state).find((kept) => kept.job === job);
}

export function keptOf({ kept = [] }: DeviceState): readonly KeptState[] {
  return kept;
}

/** Whether what the job's next training goes on from depends on a receipt that is still to come (SPEC CS6). */
export function awaitsVerdict(state: DeviceState, job: string): boolean {
  return state.tasks.some(({ offer, result }) => offer.job === job && result?.kept?.ifCounted === true);
}

/** Blobs that a task needs beside the plan's model. */
export function taskBlobs({ offer, result }: Task): Digest[] {
  const references = [offer.base, offer.control, result?.body, result?.kept?.body];
  return references.flatMap((reference) => reference?.digest ?? []);
}

/** With what the task's training made in place of what was kept for its job before (SPEC CS1). */
export function keepNext(state: DeviceState, { offer: { job, round } }: Task, next: NextKept): DeviceState {
  const { body, expiresAt } = next;
  return { ...withoutKept(state, [job]), kept: [...keptBut(state, [job]), { job, round, body, expiresAt }] };
}

export function withoutKept(state: DeviceState, jobs: readonly string[]): DeviceState {
  return state.kept === undefined ? state : { ...state, kept: keptBut(state, jobs) };
}

/** The task with a result that puts nothing in place of what is kept for its job. */
export function withoutNext(task: Task): Task {
  if (task.result?.kept === undefined) return task;
  const { kept: _, ...result } = task.result;
  return { ...task, result };
}

/** Jobs whose state nobody has needed for as long as the owner keeps it (SPEC CS4). */
export function expiredJobs(state: DeviceState, now: number): string[] {
  return resting(state)
    .filter(({ expiresAt }) => expiresAt <= now)
    .map(({ job }) => job);
}

/** When the next state expires; undefined = none does while things are as they are. */
export function nextExpiry(state: DeviceState): number | undefined {
  const times = resting(state).map(({ expiresAt }) => expiresAt);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Blobs of what is kept for these jobs. */
export function keptBlobs(state: DeviceState, jobs: readonly string[]): Digest[] {
  return keptOf(state).flatMap(({ job, body }) => (jobs.includes(job) ? body.digest : []));
}

function keptBut(state: DeviceState, jobs: readonly string[]): KeptState[] {
  return keptOf(state).filter(({ job }) => !jobs.includes(job));
}

/** What no task is going to read or replace. */
function resting(state: DeviceState): KeptState[] {
  const busy = new Set(state.tasks.map(({ offer }) => offer.job));
  return keptOf(state).filter(({ job }) => !busy.has(job));
}
