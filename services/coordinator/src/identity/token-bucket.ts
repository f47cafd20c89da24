/** How often something may happen. */
export interface Rate {
  /** At once, after a rest. */
  readonly burst: number;
  /** In the long run. */
  readonly perSecond: number;
}

/** Lets through a burst, then a steady rate. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  #left: number;
  #atMs: number;

  /** @param now - milliseconds; may jump: going back refills nothing and takes nothing. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#left = rate.burst;
    this.#atMs = now();
  }

  /** @returns 0 = taken; otherwise nothing was, and it is worth trying again after so many milliseconds. */
  take(): number {
    this.#refill();
    if (this.#left < 1) return Math.ceil(((1 - this.#left) / this.#rate.perSecond) * 1_000);
    this.#left -= 1;
    return 0;
  }

  /** Gives back what `take` took. */
  giveBack(): void {
    this.#left = Math.min(this.#rate.burst, this.#left + 1);
  }

  /** Whether it is as good as new. */
  isFull(): boolean {
    this.#refill();
    return this.#left >= this.#rate.burst;
  }

  #refill(): void {
    const nowMs = this.#now();
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#left = Math.min(this.#rate.burst, this.#left + (elapsedMs / 1_000) * this.#rate.perSecond);
  }
}
