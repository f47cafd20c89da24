import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { InferRequest } from "../tensors/infer-request.ts";
import { hasEndedProcess } from "./supervised-worker.ts";

interface Waiting {
  readonly request: InferRequest;
  /** When it came, by the process's clock, milliseconds. */
  readonly since: number;
  resolve(results: Tensors): void;
  reject(error: unknown): void;
}

export interface QueueOptions {
  /** Requests that may wait, besides those being run. */
  readonly maxQueue: number;
  /** How many of the requests, from the first on, one run can take together; at least 1. */
  readonly batchLength: (requests: readonly InferRequest[]) => number;
  /** Runs them together, after they waited for `waitedMs` milliseconds in all, and gives each its own results, in order. */
  readonly run: (requests: readonly InferRequest[], waitedMs: number) => Promise<readonly Tensors[]>;
}

/** A bounded queue in front of a model: one run at a time, first come first served. */
export class RequestQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Waiting[] = [];
  #draining: Promise<void> = Promise.resolve();
  #running = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Requests waiting or being run. */
  get pending(): number {
    return this.#waiting.length + this.#running;
  }

  /**
   * Waits its turn and runs. An abort takes a waiting request out; one that is
   * being run goes on and its results are dropped.
   *
   * @throws SelvedgeError `resource_exhausted` when the queue is full, on abort the signal's reason if it is
   *   one and otherwise `cancelled`, and whatever the run throws
   */
  async add(request: InferRequest, signal: AbortSignal): Promise<Tensors> {
    if (signal.aborted) throw gone(signal);
    if (this.#waiting.length >= this.#options.maxQueue) throw queueFull(this.#waiting.length);
    const { promise, resolve, reject } = Promise.withResolvers<Tensors>();
    const waiting: Waiting = { request, since: performance.now(), resolve, reject };
    this.#waiting.push(waiting);
    const onAbort = (): void => {
      const place = this.#waiting.indexOf(waiting);
      if (place >= 0) this.#waiting.splice(place, 1);
      reject(gone(signal));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (this.#running === 0) this.#draining = this.#drain();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Resolves once nothing waits and nothing runs. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const length = this.#options.batchLength(this.#waiting.map(({ request }) => request));
      const batch = this.#waiting.splice(0, length);
      this.#running = batch.length;
      await this.#runBatch(batch);
      this.#running = 0;
    }
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const now = performance.now();
      const waitedMs = batch.reduce((sum, { since }) => sum + (now - since), 0);
      const requests = batch.map(({ request }) => request);
      const results = await this.#options.run(requests, waitedMs);
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] ?? {});
    } catch (thrown) {
      if (batch.length > 1 && !hasEndedProcess(thrown)) {
        // One of them may be at fault; the others deserve their answer. (Not when the process
        // died of it: run one by one they would only kill it again.)
        for (const each of batch) await this.#runBatch([each]);
      } else {
        for (const waiting of batch) waiting.reject(thrown);
      }
    }
  }
}

export function queueFull(waiting: number): SelvedgeError {
  return new SelvedgeError("resource_exhausted", `${waiting} requests are waiting already`, {
    fix: "try again in a moment, or send fewer at a time",
  });
}

function gone({ reason }: AbortSignal): SelvedgeError {
  return reason instanceof SelvedgeError ? reason : new SelvedgeError("cancelled", "the caller went away");
}
