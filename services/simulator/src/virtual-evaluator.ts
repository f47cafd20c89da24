import type { EvaluationTask, Evaluator } from "@selvedge/coordinator";
import {
  type DatasetSource,
  type DatasetWish,
  datasetMismatch,
  describeDataset,
  planReading,
} from "@selvedge/datasets";
import { centralMetrics } from "@selvedge/learning";
import { plannedTraining } from "@selvedge/onnx";
import { type Digest, type Metrics, measuresFor, SelvedgeError } from "@selvedge/protocol";
import { type ClientProcess, evaluationScalars } from "@selvedge/runtime";
import type { BlobFolder } from "./blob-folder.ts";

export interface VirtualEvaluatorOptions {
  readonly process: ClientProcess;
  /** null = rounds are not measured. */
  readonly source: DatasetSource | null;
  readonly blobs: BlobFolder;
  /** Makes sure that a blob lies in `blobs`. */
  store(digest: Digest): Promise<void>;
  readonly signal: AbortSignal;
}

/** Measures a round's weights where clients train: no round trains meanwhile. */
export function virtualEvaluator(options: VirtualEvaluatorOptions): Evaluator {
  const { blobs, process, signal, source, store } = options;
  const dataset = (): DatasetSource => {
    if (source !== null) return source;
    throw new SelvedgeError("not_found", "there is no data to evaluate on", { fix: "give --evaluation" });
  };
  return {
    async mismatch(name: string, wish: DatasetWish): Promise<string | null> {
      return datasetMismatch({ ...wish, name }, await describeDataset(dataset()));
    },

    async evaluate({ plan, weights, scaling }: EvaluationTask): Promise<Metrics> {
      await store(plan.model.digest);
      await store(weights.digest);
      const result = await process.evaluate(
        {
          modelPath: blobs.pathOf(plan.model.digest),
          weightsPath: blobs.pathOf(weights.digest),
          loss: plannedTraining(plan).loss,
          measures: measuresFor(plan.metrics),
          dataset: dataset(),
          reading: planReading(plan),
          ...(scaling === null ? {} : { scaling }),
        },
        signal,
      );
      return centralMetrics(evaluationScalars(result));
    },
  };
}
