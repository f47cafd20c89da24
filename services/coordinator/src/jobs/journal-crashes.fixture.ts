import type { JobEffect } from "@selvedge/protocol";
import type { JournalHooks } from "@selvedge/storage";

/** What a dying process still says. */
export const dead: () => void = (): void => undefined;

/** Journal steps at which a process may die, counted; it dies at the one that is armed. */
export class Crashes {
  /** Steps until the next death; Infinity = none. */
  left: number = Number.POSITIVE_INFINITY;
  readonly hooks: JournalHooks<JobEffect> = {
    beforeCommit: () => this.#step(),
    afterCommit: () => this.#step(),
    beforeEffect: () => this.#step(),
    afterEffect: () => this.#step(),
  };

  #step(): void {
    this.left -= 1;
    if (this.left === 0) throw new Error("kill -9");
  }
}
