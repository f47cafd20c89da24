import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { classReading, type LabelledIdxSource } from "@selvedge/datasets";
import {
  decodeSafetensors,
  encodeSafetensors,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  readParameters,
} from "@selvedge/onnx";
import { TrainingProcess } from "@selvedge/runtime";
import type { JobFile } from "../job-file/job-file.ts";
import { runInParallel } from "./run-in-parallel.ts";

export interface LoneTrainingOptions {
  /** What the fleet trains; each device gets the same model, epochs and settings, alone. */
  readonly job: JobFile;
  readonly model: Uint8Array;
  /** The data of each device. */
  readonly sources: readonly LabelledIdxSource[];
  readonly test: LabelledIdxSource;
  /** For files; made when absent. */
  readonly folder: string;
  readonly signal: AbortSignal;
  onDone(count: number): void;
}

/**
 * Measures what each device would know had it learned alone, for as many local epochs.
 *
 * @returns accuracy on the test images, 0 to 1, in the order of `sources`
 */
export async function trainAlone(options: LoneTrainingOptions): Promise<number[]> {
  const { folder, sources, onDone } = options;
  await mkdir(folder, { recursive: true });
  const start = await writeStart(options.model, folder);
  const lanes = Math.min(availableParallelism(), sources.length, lanesMax);
  const trainers = await Promise.all(Array.from({ length: lanes }, () => TrainingProcess.start()));
  let done = 0;
  try {
    return await runInParallel(sources, trainers, async (source, trainer, index) => {
      const accuracy = await trainOne(trainer, start, source, join(folder, String(index)), options);
      done += 1;
      onDone(done);
      return accuracy;
    });
  } finally {
    await Promise.all(trainers.map((trainer) => trainer.stop()));
  }
}

/** The model before any training. */
interface Start {
  readonly modelPath: string;
  readonly weightsPath: string;
  readonly layout: ParameterLayout;
  readonly parameters: Float32Array;
}

async function writeStart(bytes: Uint8Array, folder: string): Promise<Start> {
  const model = parseModel(bytes);
  const layout = parameterLayout(model);
  const parameters = readParameters(model, layout);
  const start = { modelPath: join(folder, "model.onnx"), weightsPath: join(folder, "start.safetensors") };
  await writeFile(start.modelPath, bytes);
  await writeFile(start.weightsPath, encodeSafetensors(layout, parameters));
  return { ...start, layout, parameters };
}

async function trainOne(
  trainer: TrainingProcess,
  { modelPath, weightsPath, layout, parameters }: Start,
  dataset: LabelledIdxSource,
  path: string,
  { job, test, signal }: LoneTrainingOptions,
): Promise<number> {
  const updatePath = `${path}.update.safetensors`;
  const { learningRate, batchSize, heldOutFraction, seed } = job;
  await trainer.train(
    {
      ...{ modelPath, weightsPath, dataset, updatePath, learningRate, batchSize, heldOutFraction, seed },
      reading: classReading(test.classes),
      loss: "softmax-cross-entropy",
      optimizer: "sgd",
      localEpochs: job.rounds * job.localEpochs,
      maxExamples: job.maxExamplesPerDevice,
    },
    { signal },
  );
  const update = decodeSafetensors(await readFile(updatePath), layout);
  const trained = parameters.map((value, index) => value + (update[index] ?? 0));
  const trainedPath = `${path}.safetensors`;
  await writeFile(trainedPath, encodeSafetensors(layout, trained));
  const measured = await trainer.evaluate(
    { modelPath, weightsPath: trainedPath, dataset: test, reading: classReading(test.classes) },
    { signal },
  );
  return measured.accuracy ?? 0;
}

const lanesMax = 8;
