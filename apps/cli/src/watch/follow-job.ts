import { type Job, type Round, SelvedgeError } from "@selvedge/protocol";

/** What happens to a job, in order, each thing once. */
export type JobNews =
  /** The round that is open; again whenever somebody answers. */
  | { readonly type: "progress"; readonly job: Job; readonly round: Round }
  /** No round is open: devices are waited for. */
  | { readonly type: "waiting"; readonly job: Job }
  /** A round ended. */
  | { readonly type: "round"; readonly job: Job; readonly round: Round }
  /** The job ended; nothing follows. */
  | { readonly type: "ended"; readonly job: Job }
  /** The coordinator went away and is asked again after a pause. */
  | { readonly type: "lost"; readonly error: SelvedgeError; readonly pauseMs: number };

export interface FollowOptions {
  /** Opens the stream of a job's states: the present one, then each change. */
  open(): AsyncIterable<{ readonly job?: Job | undefined }>;
  pause(ms: number): Promise<void>;
}

/**
 * Tells a job's news until it ends, also over a restart of the coordinator.
 *
 * @throws SelvedgeError what the first call rejects with; later `unavailable`
 *   once the coordinator stayed away for about two minutes.
 */
export async function* followJob({ open, pause }: FollowOptions): AsyncGenerator<JobNews> {
  /** Number of the last round that was told. */
  let told = 0;
  /** In a row; undefined before the first answer. */
  let failures: number | undefined;
  for (;;) {
    try {
      for await (const { job } of open()) {
        if (job === undefined) continue;
        failures = 0;
        for (const round of job.history) {
          if (round.number <= told) continue;
          told = round.number;
          yield { type: "round", job, round };
        }
        if (endStatuses.has(job.status)) {
          yield { type: "ended", job };
          return;
        }
        yield job.current === undefined
          ? { type: "waiting", job }
          : { type: "progress", job, round: job.current };
      }
      throw new SelvedgeError("unavailable", "the coordinator ended the stream");
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      if (error.code !== "unavailable" || failures === undefined || failures >= pausesMs.length) throw error;
      const pauseMs = pausesMs[failures] ?? 0;
      failures += 1;
      yield { type: "lost", error, pauseMs };
      await pause(pauseMs);
    }
  }
}

/** Of a job to which nothing happens any more. */
export const endStatuses: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);
const pausesMs: readonly number[] = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000];
