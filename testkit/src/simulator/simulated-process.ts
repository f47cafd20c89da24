import type { VirtualTime } from "./virtual-time.ts";

/** What a hook throws to kill a process at that point. */
export class Killed extends Error {}

/**
 * One life of a simulated process. What it started does not outlive it: once it
 * has ended its timers are silent and what it awaits never resolves.
 */
export class SimulatedProcess {
  readonly #time: VirtualTime;
  readonly #cancels = new Map<string, () => void>();
  readonly #endings = new Set<() => void>();
  #alive = true;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get alive(): boolean {
    return this.#alive;
  }

  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const ending of this.#endings) ending();
    this.#endings.clear();
  }

  /** What the world does when this process ends; the result takes it back. */
  onEnd(ending: () => void): () => void {
    this.#endings.add(ending);
    return () => {
      this.#endings.delete(ending);
    };
  }

  /** One alarm a name; undefined = none. */
  setAlarm(name: string, at: number | undefined, wake: () => void): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
    if (at !== undefined) this.#cancels.set(name, this.after(at - this.#time.now, wake));
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

  /** Resolves after `ms`, or as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        cancel();
        signal?.removeEventListener("abort", wake);
        if (this.#alive) resolve();
      };
      const cancel = this.after(ms, wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Goes on with `work`, unless this process has ended: then never. */
  async doing<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive) return new Promise<never>(() => {});
    const result = await work();
    return this.#alive ? result : new Promise<never>(() => {});
  }
}
