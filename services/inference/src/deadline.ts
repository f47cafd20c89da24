import { SelvedgeError } from "@selvedge/protocol";

/** When a caller's request has lost its worth: it went away, or has waited as long as it would. */
export class Deadline implements Disposable {
  /** Aborts with a `deadline_exceeded` SelvedgeError, or with the caller's own reason. */
  readonly signal: AbortSignal;
  readonly #late = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(caller: AbortSignal) {
    this.signal = AbortSignal.any([caller, this.#late.signal]);
  }

  /** The answer has to come within `ms` milliseconds from now; a week and more is no deadline. */
  within(ms: number | undefined): void {
    if (ms === undefined || ms >= longestMs) return;
    const late = (): void =>
      this.#late.abort(
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
