import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatasetSource } from "@selvedge/datasets";
import { decodeSafetensors, parseModel } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import { TrainingProcess } from "@selvedge/runtime";
import type { FileBlobs } from "@selvedge/storage";
import type { TrainingLimits } from "../config/policy-file.ts";
import type {
  DataSummary,
  MeasuredModel,
  MeasuringTask,
  SummaryTask,
  TrainedUpdate,
  Trainer,
  TrainingTask,
} from "./trainer.ts";
import { layoutOfUpdate, measuringRequest, summaryRequest, trainingRequest } from "./training-request.ts";

export interface ProcessTrainerOptions {
  readonly blobs: FileBlobs;
  readonly datasets: ReadonlyMap<string, DatasetSource>;
  /** Scratch folder for updates between the child and the outbox. */
  readonly workFolder: string;
  /** What the owner lets one training take, read before each. */
  readonly limits: () => Promise<TrainingLimits>;
}

/** Trains in a child process, which is started when it is needed and ended when it has nothing to do. */
export class ProcessTrainer implements Trainer {
  readonly #options: ProcessTrainerOptions;
  readonly #process = new TrainingProcess();
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ProcessTrainerOptions) {
    this.#options = options;
  }

  async train(task: TrainingTask, signal: AbortSignal): Promise<TrainedUpdate> {
    const { blobs, workFolder } = this.#options;
    const dataset = this.#datasetOf(task.plan);
    const { memoryBytesMax, durationMsMax: timeoutMs } = await this.#options.limits();
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    const name = join(workFolder, `${task.plan.digest.slice("sha256:".length)}-${task.round}`);
    const updatePath = `${name}.safetensors`;
    const nextKeptPath = `${name}-kept.safetensors`;
    const { timeLeftMs } = task;
    const limit =
      timeLeftMs === undefined
        ? {}
        : { stopAt: Date.now() + trainingShare * Math.min(timeLeftMs, timeoutMs) };
    clearTimeout(this.#idle);
    try {
      const outcome = await this.#process.train(
        { ...trainingRequest(task, dataset, blobs), ...limit, updatePath, nextKeptPath, memoryBytesMax },
        { signal, memoryBytesMax, timeoutMs },
      );
      const layout = layoutOfUpdate(parseModel(await blobs.get(task.model.digest)), task.plan.train);
      const update = decodeSafetensors(await readFile(updatePath), layout);
      const metrics = { ...outcome.metrics, examples: outcome.examples };
      const kept = outcome.kept && { bytes: await readFile(nextKeptPath), ...outcome.kept };
      return { layout, update, examples: outcome.examples, metrics, kept };
    } finally {
      await rm(updatePath, { force: true });
      await rm(nextKeptPath, { force: true });
      this.#rest();
    }
  }

  async measure(task: MeasuringTask, signal: AbortSignal): Promise<MeasuredModel> {
    const { memoryBytesMax, durationMsMax: timeoutMs } = await this.#options.limits();
    const request = measuringRequest(task, this.#datasetOf(task.plan), this.#options.blobs);
    clearTimeout(this.#idle);
    try {
      const { examples, metrics } = await this.#process.measure(
        { ...request, memoryBytesMax },
        { signal, memoryBytesMax, timeoutMs },
      );
      return { examples, metrics: { ...metrics, examples } };
    } finally {
      this.#rest();
    }
  }

  async summarise(task: SummaryTask, signal: AbortSignal): Promise<DataSummary> {
    const dataset = this.#datasetOf(task.plan);
    const { memoryBytesMax, durationMsMax: timeoutMs } = await this.#options.limits();
    clearTimeout(this.#idle);
    try {
      const request = summaryRequest(task, dataset);
      return await this.#process.summarise(request, { signal, memoryBytesMax, timeoutMs });
    } finally {
      this.#rest();
    }
  }

  #datasetOf({ plan }: CheckedPlan): DatasetSource {
    const name = plan.dataset?.name ?? "";
    const dataset = this.#options.datasets.get(name);
    if (dataset !== undefined) return dataset;
    throw new SelvedgeError("not_found", `this device has no dataset "${name}"`);
  }

  #rest(): void {
    this.#idle = setTimeout(() => void this.#process.stop(), idleMs).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#process.stop();
  }
}

/** The child ends after this long without work, so that an idle agent is small. */
const idleMs = 30_000;
/** Of the time left, where partial work counts: the rest is for evaluating and for sending it. */
const trainingShare = 0.8;
