interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/**
 * A clock that moves only when nothing is left to do: it jumps from one timer
 * to the next, once all promises of the step before have settled. Timers of
 * the same time run in the order in which they were set.
 */
export class VirtualTime {
  readonly #timers: Timer[] = [];
  #now: number;

  /** @param start Unix milliseconds. */
  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** Runs something later; the result cancels it. */
  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), run };
    const later = this.#timers.findIndex((other) => other.at > timer.at);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index !== -1) this.#timers.splice(index, 1);
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /**
   * Lets time pass until `isDone`, asked whenever everything has settled.
   *
   * @returns false when it was not done by `deadline`, or there was nothing left to wait for.
   */
  async runUntil(isDone: () => boolean, deadline: number): Promise<boolean> {
    for (;;) {
      await settled();
      if (isDone()) return true;
      const next = this.#timers[0];
      if (next === undefined || next.at > deadline) return false;
      this.#timers.shift();
      this.#now = next.at;
      next.run();
    }
  }
}

/** A turn of the event loop comes after all promises that can settle have settled: nothing here waits for real I/O. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
