import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import { type CallOptions, Child } from "./child.ts";
import type { ProgressOf } from "./child-methods.ts";
import type { EvaluationResult } from "./evaluation-loop.ts";
import type { TrainingProgress } from "./training-loop.ts";
import type {
  EvaluationRequest,
  MeasuringOutcome,
  MeasuringRequest,
  SummaryOutcome,
  SummaryRequest,
  TrainingMethods,
  TrainingOutcome,
  TrainingRequest,
} from "./training-methods.ts";

export interface TrainingProcessOptions {
  /** From fork until the child takes calls, milliseconds; 30,000 when absent. */
  readonly startTimeoutMs?: number;
}

export interface ProcessCallOptions<P> extends CallOptions<P> {
  /** The process is killed when it has more resident memory than this, bytes. */
  readonly memoryBytesMax?: number | undefined;
}

/**
 * Trains and evaluates in a child process. Cancelling kills the child, and so
 * may the operating system; the next call then starts a fresh one.
 */
export class TrainingProcess {
  readonly #startTimeoutMs: number;
  #child: Promise<Child<TrainingMethods>> | undefined;

  /** @throws SelvedgeError as `Child.start`. */
  static async start(options: TrainingProcessOptions = {}): Promise<TrainingProcess> {
    const process = new TrainingProcess(options);
    await process.#alive();
    return process;
  }

  /** The child starts with the first call. */
  constructor({ startTimeoutMs = 30_000 }: TrainingProcessOptions = {}) {
    this.#startTimeoutMs = startTimeoutMs;
  }

  /**
   * Trains from the base parameters and writes the update, whole or not at all,
   * to `updatePath`.
   *
   * @throws SelvedgeError `cancelled` by the signal, `too_large` when it takes longer than `timeoutMs`, or needs
   *   or has more memory than `memoryBytesMax` (SPEC RE7, RE8), `unavailable` when the child died, `out_of_range` when training diverged, `failed_precondition` when model,
   *   weights and dataset do not fit; and what reading each of them throws
   */
  async train(
    request: TrainingRequest,
    options: ProcessCallOptions<TrainingProgress> = {},
  ): Promise<TrainingOutcome> {
    return await this.#call("train", request, options);
  }

  /**
   * Measures parameters on a whole dataset.
   *
   * @throws SelvedgeError as {@link train}
   */
  async evaluate(
    request: EvaluationRequest,
    options: ProcessCallOptions<never> = {},
  ): Promise<EvaluationResult> {
    return await this.#call("evaluate", request, options);
  }

  /**
   * Measures parameters on examples of a device's dataset.
   *
   * @throws SelvedgeError as {@link train}
   */
  async measure(
    request: MeasuringRequest,
    options: ProcessCallOptions<never> = {},
  ): Promise<MeasuringOutcome> {
    return await this.#call("measure", request, options);
  }

  /**
   * Statistics of a table's columns.
   *
   * @throws SelvedgeError as {@link train}
   */
  async summarise(request: SummaryRequest, options: ProcessCallOptions<never> = {}): Promise<SummaryOutcome> {
    return await this.#call("summarise", request, options);
  }

  /** Lets calls in progress finish, then ends the child. Idempotent. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    // One that did not start needs no stopping.
    await child?.then(
      (started) => started.stop(),
      () => {},
    );
  }

  async #call<K extends keyof TrainingMethods>(
    method: K,
    request: TrainingMethods[K]["argument"],
    options: ProcessCallOptions<ProgressOf<TrainingMethods[K]>>,
  ): Promise<TrainingMethods[K]["result"]> {
    const started = this.#alive();
    const child = await started;
    child.limitMemory(options.memoryBytesMax);
    try {
      return await child.call(method, request, options);
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      // After these the child is dying, or as good as dead, before its exit is seen here.
      if (endings.has(error.code)) {
        this.#forget(started);
        child.kill();
      }
      // Nothing but this call's own limit takes its time away: trying again would not help.
      throw error.code === "deadline_exceeded"
        ? new SelvedgeError("too_large", error.message, {
            fix: "train less at once, or allow more time",
            cause: error,
          })
        : error;
    }
  }

  #alive(): Promise<Child<TrainingMethods>> {
    if (this.#child !== undefined) return this.#child;
    const started = Child.start<TrainingMethods>(new URL("./training-worker.ts", import.meta.url), {
      startTimeoutMs: this.#startTimeoutMs,
      onExit: () => this.#forget(started),
    });
    this.#child = started;
    // The next call tries afresh.
    started.catch(() => this.#forget(started));
    return started;
  }

  #forget(started: Promise<Child<TrainingMethods>>): void {
    if (this.#child === started) this.#child = undefined;
  }
}

const endings: ReadonlySet<ErrorCode> = new Set([
  "cancelled",
  "deadline_exceeded",
  "too_large",
  "unavailable",
]);
