/** Wakes one reader when something changed; changes while it is busy count once. */
export class ChangeSignal {
  #changed = false;
  #waiting: ((alive: boolean) => void) | undefined;
  readonly #signal: AbortSignal;

  /** @param signal aborts when the reader has gone. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#settle(false), { once: true });
  }

  raise(): void {
    this.#changed = true;
    this.#settle(true);
  }

  /** Resolves with true at the next change, and with false when the reader has gone. */
  async next(): Promise<boolean> {
    if (this.#signal.aborted) return false;
    if (!this.#changed) {
      const alive = await new Promise<boolean>((resolve) => {
        this.#waiting = resolve;
      });
      if (!alive) return false;
    }
    this.#changed = false;
    return true;
  }

  #settle(alive: boolean): void {
    this.#waiting?.(alive);
    this.#waiting = undefined;
  }
}
