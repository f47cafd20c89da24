import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { DeployedModel } from "../deployed-model.ts";
import { resultOf } from "../http/infer-response.ts";
import { type ImageLayout, imageLayout } from "../pipeline/image-layout.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type ScoredClass, scoresOutput, topClasses } from "../pipeline/top-classes.ts";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { isBatchable, mergeFeeds, rowsOf, splitResults } from "./batch.ts";
import { type BatchPolicy, nextBatch } from "./batch-policy.ts";
import { queueFull, RequestQueue } from "./request-queue.ts";
import { SupervisedWorker, type SupervisionOptions } from "./supervised-worker.ts";
import { type StatisticsSnapshot, VersionStatistics } from "./version-statistics.ts";

export interface VersionOptions extends SupervisionOptions {
  readonly maxQueue: number;
  readonly batching: BatchPolicy;
}

/** A loaded model version: its child process and the queue before it. */
export class ModelVersion {
  readonly model: DeployedModel;
  /** When requests run together; undefined when the model has no batch dimension. */
  readonly batching: BatchPolicy | undefined;
  readonly #statistics = new VersionStatistics();
  readonly #worker: SupervisedWorker;
  readonly #queue: RequestQueue;
  readonly #maxQueue: number;
  readonly #pictures: Pictures | undefined;
  /** What has been accepted and is not in the queue yet. */
  readonly #reading = new Set<Promise<unknown>>();

  /** @throws SelvedgeError when the model cannot be loaded, or not be run once, or its pipeline does not fit it. */
  static async load(model: DeployedModel, options: VersionOptions): Promise<ModelVersion> {
    const worker = await SupervisedWorker.start(model, options);
    try {
      return new ModelVersion(model, worker, options);
    } catch (thrown) {
      await worker.stop();
      throw thrown;
    }
  }

  private constructor(model: DeployedModel, worker: SupervisedWorker, options: VersionOptions) {
    this.model = model;
    const batching = isBatchable(worker.signature) ? options.batching : undefined;
    this.batching = batching;
    this.#worker = worker;
    this.#maxQueue = options.maxQueue;
    this.#pictures = model.pipeline === undefined ? undefined : pictures(model.pipeline, worker.signature);
    this.#queue = new RequestQueue({
      maxQueue: options.maxQueue,
      nextBatch: (requests, waitedMs) =>
        batching === undefined ? { take: 1 } : nextBatch(requests, waitedMs, batching),
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
      this.#requireReady();
      const results = await this.#queue.add(request, signal);
      this.#statistics.answered("success", performance.now() - start);
      return results;
    } catch (thrown) {
      this.#statistics.answered("fail", performance.now() - start);
      throw thrown;
    }
  }

  /**
   * Runs the model on a picture: a PNG or JPEG as it is in a file.
   *
   * @throws SelvedgeError `failed_precondition` when the model has no pipeline, as `decodeImage` and `infer`
   */
  async classify(bytes: Uint8Array, signal: AbortSignal): Promise<readonly ScoredClass[]> {
    if (this.#pictures === undefined) {
      throw new SelvedgeError(
        "failed_precondition",
        `model "${this.model.name}" has no pipeline for pictures`,
        {
          fix: "put a pipeline.yaml beside it, or send tensors to …/infer",
        },
      );
    }
    this.#requireReady();
    if (this.#reading.size >= this.#maxQueue) throw queueFull(this.#reading.size);
    const work = this.#readAndRun(this.#pictures, bytes, signal);
    this.#reading.add(work);
    try {
      return await work;
    } finally {
      this.#reading.delete(work);
    }
  }

  /** What it did since it was loaded. */
  statistics(): StatisticsSnapshot {
    return this.#statistics.snapshot(this.model.name, this.model.version);
  }

  /** Lets what was accepted finish, then ends the process. */
  async retire(): Promise<void> {
    this.#worker.endRestarts();
    await Promise.allSettled(this.#reading);
    await this.#queue.idle();
    await this.#worker.stop();
  }

  #requireReady(): void {
    if (this.ready) return;
    throw new SelvedgeError("unavailable", `model "${this.model.name}" is being restarted`);
  }

  async #readAndRun(
    { image, layout, output, scores }: Pictures,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<readonly ScoredClass[]> {
    const tensor = await this.#worker.call("readImage", { bytes, image, layout });
    const feeds = { [layout.input]: tensor };
    const results = await this.infer({ ...imageRequest, feeds, fetches: [scores] }, signal);
    return topClasses(resultOf(results, scores), output);
  }

  async #run(requests: readonly InferRequest[], waitedMs: number): Promise<readonly Tensors[]> {
    const start = performance.now();
    const fetches = [...new Set(requests.flatMap((request) => request.fetches))];
    const feeds = mergeFeeds(requests);
    const merged = performance.now();
    const results = await this.#worker.call("infer", { feeds, fetches });
    const ran = performance.now();
    const parts = requests.length === 1 ? [results] : splitResults(requests, results);
    this.#statistics.ran({
      requests: requests.length,
      rows: this.batching === undefined ? 1 : rowsOf(feeds),
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

/** How this model reads pictures and tells their classes. */
interface Pictures extends Pipeline {
  readonly layout: ImageLayout;
  /** The output that has the scores. */
  readonly scores: string;
}

/** @throws SelvedgeError `invalid_argument` when the pipeline does not fit the model */
function pictures(pipeline: Pipeline, signature: ModelSignature): Pictures {
  return {
    ...pipeline,
    layout: imageLayout(pipeline.image, signature),
    scores: scoresOutput(pipeline.output, signature),
  };
}

const imageRequest: Omit<InferRequest, "feeds" | "fetches"> = {
  id: undefined,
  binary: new Set(),
  timeoutUs: undefined,
};
