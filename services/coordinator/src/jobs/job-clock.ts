import { hasEnded, type JobState, lastTimeOf, SelvedgeError } from "@selvedge/protocol";
import { type ClockSource, SteadyClock, type Store, type Timers } from "@selvedge/storage";

export interface JobClockOptions {
  readonly store: Store;
  readonly clock: ClockSource;
  readonly timers: Pick<Timers, "after">;
  onTrouble(error: SelvedgeError): void;
}

/**
 * What jobs go by, so that a clock that is set back prolongs no round (SPEC RC9). While
 * the coordinator runs, time is what passes. How far that has come ahead of the
 * machine's clock is kept, for the next process to go on with: record `job-clock`.
 */
export class JobClock {
  readonly #options: JobClockOptions;
  readonly #steady: SteadyClock;
  /** As it is kept, milliseconds. */
  #aheadMs = 0;
  #cancelTimer: () => void = () => {};
  #isStopped = false;

  constructor(options: JobClockOptions) {
    this.#options = options;
    this.#steady = new SteadyClock(options.clock);
  }

  /** Unix milliseconds. */
  now(): number {
    return this.#steady.now();
  }

  /** Goes on from where the last process was, as far as a job that runs depends on it. */
  async start(jobs: Iterable<JobState>): Promise<void> {
    const { clock, store } = this.#options;
    const running = [...jobs].filter((job) => !hasEnded(job));
    const kept = await store.read(key);
    if (typeof kept?.value === "number") this.#aheadMs = kept.value;
    if (running.length > 0) {
      this.#steady.raise(Math.max(clock.wall() + this.#aheadMs, ...running.map(lastTimeOf)));
    }
    await this.#keep();
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#cancelTimer = this.#options.timers.after(everyMs, () => {
      this.#keep()
        .catch((thrown: unknown) => this.#options.onTrouble(SelvedgeError.from(thrown)))
        .finally(() => this.#arm());
    });
  }

  /** Writes only when somebody has set the machine's clock. */
  async #keep(): Promise<void> {
    const aheadMs = this.#steady.now() - this.#options.clock.wall();
    if (Math.abs(aheadMs - this.#aheadMs) < toleranceMs) return;
    await this.#options.store.commit({ writes: [{ key, value: aheadMs }] });
    this.#aheadMs = aheadMs;
  }
}

const key = "job-clock";
const everyMs = 5_000;
const toleranceMs = 1_000;
