import { systemTimers, type Timers } from "./timers.ts";

export interface WakeTimersOptions {
  /** Unix milliseconds. */
  now(): number;
  /** Does what was due. */
  wake(id: string): Promise<void>;
  onError(id: string, error: unknown): void;
  /** When `id` wants to wake, as its state is now; undefined = it does not. */
  wakeAt(id: string): number | undefined;
  /** Default: Node.js's own. */
  readonly timers?: Pick<Timers, "after">;
}

/**
 * One alarm for each entity that wants one. Nothing is persisted, since states
 * say when they want to wake; and no alarm is lost: one that rings before its
 * time, as timers and stepped clocks do, waits for the rest, and one whose work
 * failed or left the time as it was rings again after a second.
 */
export class WakeTimers {
  readonly #options: WakeTimersOptions;
  readonly #timers: Pick<Timers, "after">;
  /** Calls off the alarm of an id. */
  readonly #alarms = new Map<string, () => void>();
  #isStopped = false;

  constructor(options: WakeTimersOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  /** Replaces the alarm of `id`; undefined = none. */
  set(id: string, at: number | undefined): void {
    if (at === undefined) this.#clear(id);
    else this.#arm(id, at);
  }

  stop(): void {
    this.#isStopped = true;
    for (const id of [...this.#alarms.keys()]) this.#clear(id);
  }

  #arm(id: string, at: number): void {
    this.#clear(id);
    if (this.#isStopped) return;
    const delay = Math.min(Math.max(at - this.#options.now(), 0), timerMsMax);
    this.#alarms.set(
      id,
      this.#timers.after(delay, () => void this.#ring(id, at)),
    );
  }

  async #ring(id: string, at: number): Promise<void> {
    if (this.#options.now() < at) return this.#arm(id, at);
    await this.#options.wake(id).catch((error: unknown) => this.#options.onError(id, error));
    const next = this.#options.wakeAt(id);
    if (next === undefined) this.#clear(id);
    else this.#arm(id, Math.max(next, this.#options.now() + (next > at ? 0 : retryMs)));
  }

  #clear(id: string): void {
    this.#alarms.get(id)?.();
    this.#alarms.delete(id);
  }
}

/** The longest a Node.js timer can wait. */
const timerMsMax = 2_147_483_647;
const retryMs = 1_000;
