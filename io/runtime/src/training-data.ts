import { type Dataset, type DatasetReading, type DatasetSource, openDataset } from "@selvedge/datasets";
import { type ColumnScaling, scaleFeatures } from "@selvedge/learning";
import type { InputFormat } from "@selvedge/onnx";
import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { inputFormatOf } from "./batch-run.ts";

/** Which data, and how a plan reads it: plain data, so that it can cross to a child process. */
export interface DataRequest {
  readonly dataset: DatasetSource;
  readonly reading: DatasetReading;
  /** The examples that are meant, in this order, by their place in the dataset; all when absent. */
  readonly rows?: Int32Array;
  /** How its columns are scaled; absent when none is. */
  readonly scaling?: readonly ColumnScaling[];
}

export interface TrainingData {
  /** Without missing values. */
  readonly dataset: Dataset;
  readonly format: InputFormat;
}

/**
 * Opens a dataset for training or evaluation: means stand in for what is missing, and
 * the graph that is compiled for it scales the columns.
 *
 * @throws SelvedgeError as `openDataset`, and `failed_precondition` when values are missing and
 *   there is no mean
 */
export async function openTrainingData({ dataset, reading, scaling }: DataRequest): Promise<TrainingData> {
  const opened = await openDataset(dataset, reading);
  const format = inputFormatOf(opened);
  const features = reading.table && scaling && scaleFeatures(reading.table, scaling);
  if (opened.inputs instanceof Float32Array) fillMissing(opened.inputs, opened.name, features?.means);
  if (!features) return { dataset: opened, format };
  return { dataset: opened, format: { ...format, scaling: features } };
}

/** At most `maxExamples` of them, chosen by the seed. */
export function chosenExamples(among: Int32Array, maxExamples: number, seed: string | number): Int32Array {
  if (among.length <= maxExamples) return among;
  const shuffled = Int32Array.from(among);
  SeededRandom.fromSeed("examples", seed).shuffle(shuffled);
  return shuffled.subarray(0, maxExamples);
}

function fillMissing(inputs: Float32Array, name: string, means: Float32Array = noMeans): void {
  for (let index = 0; index < inputs.length; index += 1) {
    if (!Number.isNaN(inputs[index])) continue;
    const mean = means[index % means.length] ?? Number.NaN;
    if (Number.isNaN(mean)) {
      throw new SelvedgeError(
        "failed_precondition",
        "values are missing, and no mean was gathered for them",
        {
          at: `dataset ${name}`,
        },
      );
    }
    inputs[index] = mean;
  }
}

const noMeans = Float32Array.of(Number.NaN);
