import type { DatasetSource } from "@selvedge/datasets";
import { type BlobReference, type Metrics, SelvedgeError } from "@selvedge/protocol";
import { TrainingProcess } from "@selvedge/runtime";
import type { FileBlobs } from "@selvedge/storage";
import type { Evaluator } from "./evaluator.ts";

/** Evaluates in a child process, started when it is first needed. */
export class ProcessEvaluator implements Evaluator {
  readonly #blobs: FileBlobs;
  readonly #datasets: ReadonlyMap<string, DatasetSource>;
  readonly #process = new TrainingProcess();

  constructor(blobs: FileBlobs, datasets: ReadonlyMap<string, DatasetSource>) {
    this.#blobs = blobs;
    this.#datasets = datasets;
  }

  async evaluate(model: BlobReference, weights: BlobReference, dataset: string): Promise<Metrics> {
    const source = this.#datasets.get(dataset);
    if (source === undefined)
      throw new SelvedgeError("not_found", `the coordinator has no dataset "${dataset}"`);
    const outcome = await this.#process.evaluate({
      modelPath: this.#blobs.pathOf(model.digest),
      weightsPath: this.#blobs.pathOf(weights.digest),
      dataset: source,
    });
    return { loss: outcome.loss, accuracy: outcome.accuracy, examples: outcome.examples };
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }
}
