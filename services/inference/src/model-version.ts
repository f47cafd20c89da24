import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import { batchLength, isBatchable, mergeFeeds, splitResults } from "./batch.ts";
import type { DeployedModel } from "./deployed-model.ts";
import type { InferRequest, ModelSignature } from "./infer-request.ts";
import { RequestQueue } from "./request-queue.ts";
import { SupervisedWorker, type SupervisionOptions } from "./supervised-worker.ts";

export interface VersionOptions extends SupervisionOptions {
  readonly maxQueue: number;
  /** Examples that one run may hold when requests are run together. */
  readonly batchRowsMax: number;
}

/** A loaded model version: its child process and the queue before it. */
export class ModelVersion {
  readonly model: DeployedModel;
  readonly #worker: SupervisedWorker;
  readonly #queue: RequestQueue;

  /** @throws SelvedgeError when the model cannot be loaded, or not be run once. */
  static async load(model: DeployedModel, options: VersionOptions): Promise<ModelVersion> {
    return new ModelVersion(model, await SupervisedWorker.start(model, options), options);
  }

  private constructor(model: DeployedModel, worker: SupervisedWorker, options: VersionOptions) {
    const batchable = isBatchable(worker.signature);
    this.model = model;
    this.#worker = worker;
    this.#queue = new RequestQueue({
      maxQueue: options.maxQueue,
      batchLength: (requests) => (batchable ? batchLength(requests, options.batchRowsMax) : 1),
      run: (requests) => this.#run(requests),
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
    if (!this.ready) {
      throw new SelvedgeError("unavailable", `model "${this.model.name}" is being restarted`);
    }
    return await this.#queue.add(request, signal);
  }

  /** Lets what was accepted finish, then ends the process. */
  async retire(): Promise<void> {
    this.#worker.endRestarts();
    await this.#queue.idle();
    await this.#worker.stop();
  }

  async #run(requests: readonly InferRequest[]): Promise<readonly Tensors[]> {
    const fetches = [...new Set(requests.flatMap((request) => request.fetches))];
    const results = await this.#worker.infer({ feeds: mergeFeeds(requests), fetches });
    return requests.length === 1 ? [results] : splitResults(requests, results);
  }
}
