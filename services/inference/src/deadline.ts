import { SelvedgeError } from "@selvedge/protocol";

/** When a caller's request has lost its worth: it went away, or has waited as long as it would. */
export class Deadline implements Disposable {
  readonly #caller: AbortSignal;
  readonly #timers: NodeJS.Timeout[] = [];
  #late: AbortController | undefined;

  constructor(caller: AbortSignal) {
    this.#caller = caller;
  }

  /**
   * Aborts with a `deadline_exceeded` SelvedgeError for what was given to `within` so far, or with the caller's own
   * reason. Most requests have no deadline: they do without a signal of their own, which takes as long as a small run.
   */
  get signal(): AbortSignal {
    return this.#late === undefined ? this.#caller : AbortSignal.any([this.#caller, this.#late.signal]);
  }

  /** The answer has to come within `ms` milliseconds from now; a week and more is no deadline. */
  within(ms: number | undefined): void {
    if (ms === undefined || ms >= longestMs) return;
    this.#late ??= new AbortController();
    const ending = this.#late;
    const late = (): void =>
      ending.abort(
        new SelvedgeError("deadline_exceeded", `no answer within the ${ms} ms the caller gave it`, {
          fix: "ask for less, or wait for longer",
        }),
      );
    this.#timers.push(setTimeout(late, ms));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

const longestMs = 604_800_000;
