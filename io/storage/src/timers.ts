import { setTimeout as sleep } from "node:timers/promises";

/** How a service waits. Durations are of the monotonic kind: no change of the wall clock alters them. */
export interface Timers {
  /** Calls `run` once after `ms`, at most 2^31 - 1; the result calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Node.js's own. */
export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};
