/** The longest a Node.js timer can wait, milliseconds. */
const timerMsMax = 2_147_483_647;

export interface WakeTimersOptions {
  /** Unix milliseconds. */
  now(): number;
  wake(id: string): void;
}

/** One alarm for each entity that wants one; nothing is persisted, since states say when they want to wake. */
export class WakeTimers {
  readonly #options: WakeTimersOptions;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(options: WakeTimersOptions) {
    this.#options = options;
  }

  /** Replaces the alarm of `id`; undefined = none. */
  set(id: string, at: number | undefined): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (at === undefined) return;
    const delay = Math.min(Math.max(at - this.#options.now(), 0), timerMsMax);
    this.#timers.set(
      id,
      setTimeout(() => this.#options.wake(id), delay),
    );
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
