import type { Dataset } from "@selvedge/datasets";
import type { BatchGraph } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import {
  BatchTally,
  datasetFeeds,
  type GraphSession,
  namedFeeds,
  orderFeeds,
  parameterTensors,
  StepPace,
} from "./batch-run.ts";

export interface EvaluationRun {
  readonly parameters: Float32Array;
  readonly dataset: Dataset;
  /** Indices of the examples to measure on. */
  readonly examples: Int32Array;
}

export interface EvaluationResult {
  /** Mean over the examples. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  readonly examples: number;
}

/**
 * Measures a model on a dataset.
 *
 * @throws SelvedgeError `failed_precondition` when dataset and model do not fit or there are no examples
 */
export async function runEvaluation(
  session: GraphSession,
  graph: BatchGraph,
  { parameters, dataset, examples }: EvaluationRun,
): Promise<EvaluationResult> {
  if (examples.length === 0) {
    throw new SelvedgeError("failed_precondition", "there are no examples to measure on", {
      at: `dataset ${dataset.name}`,
    });
  }
  const constant = {
    ...datasetFeeds(graph, dataset, batchSize),
    ...namedFeeds(graph.parameters, parameterTensors(graph.layout, parameters)),
  };
  const tally = new BatchTally();
  const pace = new StepPace();
  for (let start = 0, end = 0; start < examples.length; start = end) {
    end = Math.min(examples.length, start + pace.steps * batchSize);
    const began = performance.now();
    const outputs = await session.run({
      ...constant,
      ...orderFeeds(examples.subarray(start, end), batchSize),
    });
    pace.observe(Math.ceil((end - start) / batchSize), performance.now() - began);
    tally.add(outputs, end - start);
  }
  return { loss: tally.loss, accuracy: tally.accuracy, examples: examples.length };
}

/** Large enough that the time goes into the arithmetic, small enough for memory. */
const batchSize = 100;
