import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { InferRequest } from "../tensors/infer-request.ts";
import type { BatchDecision } from "./batch-policy.ts";
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
  /** How many of the requests, from the oldest on, which has waited for `waitedMs` milliseconds, run together now. */
  readonly nextBatch: (requests: readonly InferRequest[], waitedMs: number) => BatchDecision;
  /** Runs them together, after they waited for `waitedMs` milliseconds in all, and gives each its own results, in order. */
  readonly run: (requests: readonly InferRequest[], waitedMs: number) => Promise<readonly Tensors[]>;
}

/** A bounded queue in front of a model: one run at a time, first come first served. */
export class RequestQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #running = 0;
  /** Ends the wait for more requests to run together, while there is one. */
  #wake: () => void = () => {};

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
      this.#wake();
      reject(gone(signal));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (this.#draining === undefined) this.#draining = this.#drain();
    else this.#wake();
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
    for (let [oldest] = this.#waiting; oldest !== undefined; [oldest] = this.#waiting) {
      const requests = this.#waiting.map(({ request }) => request);
      const decision = this.#options.nextBatch(requests, performance.now() - oldest.since);
      if ("waitMs" in decision) {
        await this.#more(decision.waitMs);
        continue;
      }
      const batch = this.#waiting.splice(0, decision.take);
      this.#running = batch.length;
      await this.#runBatch(batch);
      this.#running = 0;
    }
    this.#draining = undefined;
  }

  /** Until a request comes or leaves, but no longer than `waitMs` milliseconds. */
  async #more(waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    this.#wake = resolve;
    await promise;
    this.#wake = () => {};
    clearTimeout(timer);
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
