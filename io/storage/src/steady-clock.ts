export interface ClockSource {
  /** The machine's clock, Unix milliseconds; somebody may set it, forward or back. */
  wall(): number;
  /** Milliseconds since some moment; only ever forward, at the pace of time. */
  monotonic(): number;
}

/** What `systemSource` reads: `Date.now` and `performance.now`. */
export const systemSource: ClockSource = { wall: () => Date.now(), monotonic: () => performance.now() };

/**
 * Unix milliseconds for deadlines. When the machine's clock is set forward this one
 * follows; when it is set back this one goes on at the pace of time, so that what was
 * to happen in a minute happens in a minute. Over a restart `raise` carries it on.
 */
export class SteadyClock {
  readonly #source: ClockSource;
  #time: number;
  #readAt: number;

  constructor(source: ClockSource = systemSource) {
    this.#source = source;
    this.#time = source.wall();
    this.#readAt = source.monotonic();
  }

  now(): number {
    const readAt = this.#source.monotonic();
    this.#time = Math.max(this.#time + readAt - this.#readAt, this.#source.wall());
    this.#readAt = readAt;
    return Math.floor(this.#time);
  }

  /** From now on it is at least this late: something was written down at that time. */
  raise(to: number): void {
    this.#time = Math.max(this.now(), to);
  }
}
