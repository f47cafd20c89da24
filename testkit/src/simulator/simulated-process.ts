import type { Timers } from "@selvedge/storage";
import type { VirtualTime } from "./virtual-time.ts";

/** What a hook throws to kill a process at that point. */
export class Killed extends Error {}

/** A killed process leaves the machine's memory as it was; power that fails takes what was not synced, and tells nobody. */
export type Ending = "kill" | "powerCut";

/**
 * One life of a simulated process. What it started does not outlive it: once it
 * has ended its timers are silent and what it awaits never resolves.
 */
export class SimulatedProcess implements Timers {
  readonly #time: VirtualTime;
  readonly #endings = new Set<(ending: Ending) => void>();
  readonly #sleepers = new Set<() => void>();
  #alive = true;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get alive(): boolean {
    return this.#alive;
  }

  end(ending: Ending): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const tell of this.#endings) tell(ending);
    this.#endings.clear();
    for (const forget of this.#sleepers) forget();
  }

  /** What the world does when this process ends; the result takes it back. */
  onEnd(tell: (ending: Ending) => void): () => void {
    this.#endings.add(tell);
    return () => {
      this.#endings.delete(tell);
    };
  }

  after(ms: number, run: () => void): () => void {
    return this.#time.after(ms, () => {
      if (this.#alive) run();
    });
  }

  every(ms: number, run: () => void): void {
    this.after(ms, () => {
      run();
      this.every(ms, run);
    });
  }

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (!this.#alive) return;
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        forget();
        if (this.#alive) resolve();
      };
      const cancel = this.after(ms, wake);
      const forget = (): void => {
        cancel();
        signal?.removeEventListener("abort", wake);
        this.#sleepers.delete(forget);
      };
      // A signal that is listened to is never collected, nor is the world of who listens.
      this.#sleepers.add(forget);
      signal?.addEventListener("abort", wake, { once: true });
    });

  /** Goes on with `work`, unless this process has ended: then never. */
  async doing<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive) return new Promise<never>(() => {});
    const result = await work();
    return this.#alive ? result : new Promise<never>(() => {});
  }
}
