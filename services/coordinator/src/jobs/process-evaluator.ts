import {
  type DatasetSource,
  type DatasetWish,
  datasetMismatch,
  describeDataset,
  planReading,
} from "@selvedge/datasets";
import { centralMetrics } from "@selvedge/learning";
import { plannedTraining } from "@selvedge/onnx";
import { type Metrics, measuresFor, SelvedgeError } from "@selvedge/protocol";
import { evaluationScalars, TrainingProcess } from "@selvedge/runtime";
import type { FileBlobs } from "@selvedge/storage";
import type { EvaluationTask, Evaluator } from "./evaluator.ts";

/** Evaluates in a child process, started when it is first needed. */
export class ProcessEvaluator implements Evaluator {
  readonly #blobs: FileBlobs;
  readonly #datasets: ReadonlyMap<string, DatasetSource>;
  readonly #memoryBytesMax: number;
  readonly #process = new TrainingProcess();

  /** @param memoryBytesMax resident memory that the child may have */
  constructor(blobs: FileBlobs, datasets: ReadonlyMap<string, DatasetSource>, memoryBytesMax: number) {
    this.#blobs = blobs;
    this.#datasets = datasets;
    this.#memoryBytesMax = memoryBytesMax;
  }

  async mismatch(dataset: string, wish: DatasetWish): Promise<string | null> {
    return datasetMismatch({ ...wish, name: dataset }, await describeDataset(this.#sourceOf(dataset)));
  }

  async evaluate({ plan, weights, dataset, scaling }: EvaluationTask): Promise<Metrics> {
    const memoryBytesMax = this.#memoryBytesMax;
    const result = await this.#process.evaluate(
      {
        modelPath: this.#blobs.pathOf(plan.model.digest),
        weightsPath: this.#blobs.pathOf(weights.digest),
        loss: plannedTraining(plan).loss,
        measures: measuresFor(plan.metrics),
        dataset: this.#sourceOf(dataset),
        reading: planReading(plan),
        ...(scaling === null ? {} : { scaling }),
        memoryBytesMax,
      },
      { memoryBytesMax },
    );
    return centralMetrics(evaluationScalars(result));
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }

  #sourceOf(dataset: string): DatasetSource {
    const source = this.#datasets.get(dataset);
    if (source !== undefined) return source;
    throw new SelvedgeError("not_found", `the coordinator has no dataset "${dataset}"`);
  }
}
