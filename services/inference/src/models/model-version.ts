import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { DeployedModel } from "../deployed-model.ts";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { batchLength, isBatchable, mergeFeeds, rowsOf, splitResults } from "./batch.ts";
import { RequestQueue } from "./request-queue.ts";
import { SupervisedWorker, type SupervisionOptions } from "./supervised-worker.ts";
import { type StatisticsSnapshot, VersionStatistics } from "./version-statistics.ts";

export interface VersionOptions extends SupervisionOptions {
  readonly maxQueue: number;
  /** Examples that one run may hold when requests are run together. */
  readonly batchRowsMax: number;
}

/** A loaded model version: its child process and the queue before it. */
export class ModelVersion {
  readonly model: DeployedModel;
  /** Examples that requests run together may be; 0 when the model has no batch dimension. */
  readonly batchRowsMax: number;
  readonly #statistics = new VersionStatistics();
  readonly #worker: SupervisedWorker;
  readonly #queue: RequestQueue;

  /** @throws SelvedgeError when the model cannot be loaded, or not be run once. */
  static async load(model: DeployedModel, options: VersionOptions): Promise<ModelVersion> {
    return new ModelVersion(model, await SupervisedWorker.start(model, options), options);
  }

  private constructor(model: DeployedModel, worker: SupervisedWorker, options: VersionOptions) {
    this.model = model;
    this.batchRowsMax = isBatchable(worker.signature) ? options.batchRowsMax : 0;
    this.#worker = worker;
    this.#queue = new RequestQueue({
      maxQueue: options.maxQueue,
      batchLength: (requests) => (this.batchRowsMax > 0 ? batchLength(requests, this.batchRowsMax) : 1),
      run: (requests, waitedMs) => this.#run(requests, waitedMs),
    });
  }

  get signature(): ModelSignature {
    return this.#worker.signature;
  }

  /** False while its process is being restarted, and once it is not any more. */
  get ready(): boolean {
    return this.#worker.ready;
  }

  /** Process id of its child; undefined while there is none. */
  get pid(): number | undefined {
    return this.#worker.pid;
  }

  /** Requests waiting or being run. */
  get pending(): number {
    return this.#queue.pending;
  }

  /** @throws SelvedgeError as `RequestQueue.add`; `unavailable` at once while the process is down. */
  async infer(request: InferRequest, signal: AbortSignal): Promise<Tensors> {
    const start = performance.now();
    try {
      if (!this.ready) {
        throw new SelvedgeError("unavailable", `model "${this.model.name}" is being restarted`);
      }
      const results = await this.#queue.add(request, signal);
      this.#statistics.answered("success", performance.now() - start);
      return results;
    } catch (thrown) {
      this.#statistics.answered("fail", performance.now() - start);
      throw thrown;
    }
  }

  /** What it did since it was loaded. */
  statistics(): StatisticsSnapshot {
    return this.#statistics.snapshot(this.model.name, this.model.version);
  }

  /** Lets what was accepted finish, then ends the process. */
  async retire(): Promise<void> {
    this.#worker.endRestarts();
    await this.#queue.idle();
    await this.#worker.stop();
  }

  async #run(requests: readonly InferRequest[], waitedMs: number): Promise<readonly Tensors[]> {
    const start = performance.now();
    const fetches = [...new Set(requests.flatMap((request) => request.fetches))];
    const feeds = mergeFeeds(requests);
    const merged = performance.now();
    const results = await this.#worker.infer({ feeds, fetches });
    const ran = performance.now();
    const parts = requests.length === 1 ? [results] : splitResults(requests, results);
    this.#statistics.ran({
      requests: requests.length,
      rows: this.batchRowsMax > 0 ? rowsOf(feeds) : 1,
      waitedMs,
      parts: {
        compute_input: merged - start,
        compute_infer: ran - merged,
        compute_output: performance.now() - ran,
      },
    });
    return parts;
  }
}
