import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type DatasetSource, planReading } from "@selvedge/datasets";
import { plannedAlgorithm } from "@selvedge/learning";
import {
  decodeSafetensors,
  parseModel,
  plannedKeeping,
  plannedTraining,
  shareParameters,
  updateLayout,
} from "@selvedge/onnx";
import {
  type CheckedPlan,
  measuresFor,
  type PlannedDecay,
  SelvedgeError,
  traitsOf,
} from "@selvedge/protocol";
import { type MeasuringRequest, type RateRequest, TrainingProcess } from "@selvedge/runtime";
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

export interface ProcessTrainerOptions {
  readonly blobs: FileBlobs;
  readonly datasets: ReadonlyMap<string, DatasetSource>;
  /** Scratch folder for updates between the child and the outbox. */
  readonly workFolder: string;
  /** What the owner lets one training take, read before each. */
  readonly limits: () => Promise<TrainingLimits>;
  /** The child ends after this long without work, so that an idle agent is small; milliseconds. */
  readonly idleMs: number;
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
    const { train } = task.plan;
    const { memoryBytesMax, durationMsMax: timeoutMs } = await this.#options.limits();
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    const name = join(workFolder, `${task.plan.digest.slice("sha256:".length)}-${task.round}`);
    const updatePath = `${name}.safetensors`;
    const nextKeptPath = `${name}-kept.safetensors`;
    clearTimeout(this.#idle);
    try {
      const outcome = await this.#process.train(
        {
          ...this.#requestOf(task, memoryBytesMax),
          updatePath,
          nextKeptPath,
          ...(task.control === null ? {} : { controlPath: blobs.pathOf(task.control.digest) }),
          learningRate: train.learningRate,
          ...rateOf(task),
          localEpochs: train.localEpochs,
        },
        { signal, memoryBytesMax, timeoutMs },
      );
      const model = parseModel(await blobs.get(task.model.digest));
      const { shared } = shareParameters(model, train.personal);
      const layout = updateLayout(shared, traitsOf(train.algorithm));
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
    const isAll = task.plan.evaluate?.allExamples === true;
    clearTimeout(this.#idle);
    try {
      const { examples, metrics } = await this.#process.measure(
        { ...this.#requestOf(task, memoryBytesMax), ...(isAll && { heldOutFraction: 1 }) },
        { signal, memoryBytesMax, timeoutMs },
      );
      return { examples, metrics: { ...metrics, examples } };
    } finally {
      this.#rest();
    }
  }

  /** Of the same examples however often it is asked: different ones would tell more than the plan says. */
  async summarise({ plan, table }: SummaryTask, signal: AbortSignal): Promise<DataSummary> {
    const dataset = this.#datasetOf(plan);
    const { memoryBytesMax, durationMsMax: timeoutMs } = await this.#options.limits();
    const { maxExamplesPerDevice: maxExamples } = plan.train;
    clearTimeout(this.#idle);
    try {
      const reading = { ...planReading(plan), table };
      const request = { dataset, reading, maxExamples, seed: String(plan.plan.seed) };
      return await this.#process.summarise(request, { signal, memoryBytesMax, timeoutMs });
    } finally {
      this.#rest();
    }
  }

  #requestOf(task: MeasuringTask, memoryBytesMax: number): MeasuringRequest {
    const { base, kept, model, plan, round, scaling } = task;
    const { blobs } = this.#options;
    const { train } = plan;
    return {
      modelPath: blobs.pathOf(model.digest),
      weightsPath: blobs.pathOf(base.digest),
      dataset: this.#datasetOf(plan),
      reading: planReading(plan),
      ...(scaling === null ? {} : { scaling }),
      ...plannedTraining(plan),
      ...plannedKeeping(train),
      algorithm: plannedAlgorithm(train),
      measures: measuresFor(plan.metrics),
      ...(kept === null ? {} : { keptPath: blobs.pathOf(kept.digest) }),
      batchSize: train.batchSize,
      heldOutFraction: train.heldOutFraction,
      maxExamples: train.maxExamplesPerDevice,
      seed: trainingSeed(plan, round),
      memoryBytesMax,
    };
  }

  #datasetOf({ plan }: CheckedPlan): DatasetSource {
    const name = plan.dataset?.name ?? "";
    const dataset = this.#options.datasets.get(name);
    if (dataset !== undefined) return dataset;
    throw new SelvedgeError("not_found", `this device has no dataset "${name}"`);
  }

  #rest(): void {
    this.#idle = setTimeout(() => void this.#process.stop(), this.#options.idleMs).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#process.stop();
  }
}

function rateOf({ plan, roundsDone }: TrainingTask): { readonly rate?: RateRequest } {
  const { schedule } = plan.train;
  if (schedule === undefined) return {};
  const { warmupRounds, everyRounds, factor, finalFactor, byStep } = schedule;
  const decay = schedule.decay as PlannedDecay;
  const { rounds = 1 } = plan.plan.schedule ?? {};
  return {
    rate: {
      schedule: { decay, warmupRounds, everyRounds, factor, finalFactor },
      ...{ done: Math.min(roundsDone, rounds - 1), rounds, byStep },
    },
  };
}

/**
 * The same for all devices of a round: the data differs, and a run can be
 * repeated bit for bit whatever ids its devices were given.
 */
function trainingSeed(plan: CheckedPlan, round: number): string {
  return `${plan.plan.seed}/${round}`;
}
