import { SelvedgeError } from "@selvedge/protocol";
import { type BackoffOptions, backoffMs, defaultBackoff } from "./backoff.ts";
import type { Dialer, Link } from "./link.ts";

/** Where a session stands, for status. Times are Unix milliseconds. */
export type SessionState =
  | { readonly status: "stopped" }
  | { readonly status: "dialling"; readonly attempt: number; readonly since: number }
  | { readonly status: "connected"; readonly since: number }
  | {
      readonly status: "waiting";
      readonly attempt: number;
      readonly until: number;
      readonly reason: SelvedgeError;
    };

export interface ReconnectingSessionOptions {
  readonly dialer: Dialer;
  /** Called with each new link, before anything is delivered on it. */
  onLink(link: Link): void;
  onState?(state: SessionState): void;
  readonly backoff?: BackoffOptions;
  /** A link must live this long before the backoff starts over; default 10 s. */
  readonly stableAfterMs?: number;
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Keeps one link up: dial, hand the link to its owner, and when it closes wait
 * and dial again. It never gives up; whether an error is final is for the
 * owner to say, by `stop`.
 */
export class ReconnectingSession {
  readonly #options: ReconnectingSessionOptions;
  #state: SessionState = { status: "stopped" };
  #stop = new AbortController();
  /** Aborted when the next dial is not to wait. */
  #hurry = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReconnectingSessionOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Starts dialling; does nothing when already started. */
  start(): void {
    if (this.#state.status !== "stopped") return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  /** Closes the link, if any, and dials no more. */
  async stop(reason = "stopped"): Promise<void> {
    this.#stop.abort(reason);
    await this.#running;
  }

  /** Dials anew at once, when what dials are made with has changed; a link that is up closes first. */
  redial(reason: string): void {
    this.#hurry.abort(reason);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      if (this.#hurry.signal.aborted) this.#hurry = new AbortController();
      const began = this.#options.now();
      this.#enter({ status: "dialling", attempt: failures + 1, since: began });
      const ended = await this.#session(signal);
      if (signal.aborted) break;
      if (this.#hurry.signal.aborted) {
        failures = 0;
        continue;
      }
      failures = ended.livedMs >= (this.#options.stableAfterMs ?? 10_000) ? 1 : failures + 1;
      await this.#wait(failures, ended.reason, signal);
    }
    this.#enter({ status: "stopped" });
  }

  /** One dial and, if it succeeds, the life of its link. */
  async #session(signal: AbortSignal): Promise<{ livedMs: number; reason: SelvedgeError }> {
    let link: Link;
    try {
      link = await this.#options.dialer.dial(signal);
    } catch (thrown) {
      return { livedMs: 0, reason: SelvedgeError.from(thrown, "unavailable") };
    }
    const since = this.#options.now();
    const closed = this.#hold(link, AbortSignal.any([signal, this.#hurry.signal]));
    if (!signal.aborted) {
      this.#enter({ status: "connected", since });
      this.#options.onLink(link);
    }
    const reason = await closed;
    return {
      livedMs: this.#options.now() - since,
      reason: new SelvedgeError("unavailable", `the link closed: ${reason}`),
    };
  }

  /** Resolves with the reason when the link closes; a stop closes it. */
  #hold(link: Link, signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const stop = (): void => link.close(String(signal.reason));
      link.onClose((reason) => {
        signal.removeEventListener("abort", stop);
        resolve(reason);
      });
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  }

  async #wait(attempt: number, reason: SelvedgeError, signal: AbortSignal): Promise<void> {
    const { backoff = defaultBackoff, now, random, sleep } = this.#options;
    const ms = backoffMs(attempt, random(), backoff, reason.retryAfterMs);
    this.#enter({ status: "waiting", attempt, until: now() + ms, reason });
    await sleep(ms, AbortSignal.any([signal, this.#hurry.signal]));
  }

  #enter(state: SessionState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}
