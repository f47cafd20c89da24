import type { Dataset } from "@selvedge/datasets";
import { averagePrecision, type BinaryCounts, countBinary } from "@selvedge/learning";
import { type BatchGraph, ports } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import {
  BatchTally,
  ClassTally,
  datasetFeeds,
  type ErrorSums,
  ErrorTally,
  floatsOf,
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
  readonly loss: number;
  /** What the loss is the mean over: how many examples, places or numbers, or the sum of their weights. */
  readonly weight: number;
  /** 0 to 1; absent where targets are no classes. */
  readonly accuracy?: number;
  /** Of how many predicted classes the accuracy is the share of right ones. */
  readonly places?: number;
  readonly examples: number;
  /** How often the right class was among the k highest scores, by k; where the graph counts that. */
  readonly among?: Readonly<Record<number, number>>;
  /** The sum over places of -ln of the right class's probability, where the graph has that. */
  readonly logLoss?: number;
  /** For each class, where the graph counts that. */
  readonly classes?: readonly BinaryCounts[];
  /** Where the loss is a distance of numbers: sums over as many as `weight` says. */
  readonly errors?: ErrorSums;
  /** Of two classes only; the second is the positive one. */
  readonly binary?: BinaryResult;
}

export interface BinaryResult extends BinaryCounts {
  /** 0 to 1; undefined when no example is positive. */
  readonly averagePrecision: number | undefined;
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
    ...datasetFeeds(graph, dataset, evaluationBatchSize),
    ...namedFeeds(graph.parameters, parameterTensors(graph.layout, parameters)),
  };
  const tally = new BatchTally();
  const counts = new ClassTally();
  const errors = new ErrorTally();
  const pace = new StepPace();
  const margins = graph.outputs.has(ports.margin) ? new Float32Array(examples.length) : undefined;
  for (let start = 0, end = 0; start < examples.length; start = end) {
    end = endOfRun(start, examples.length, pace.steps);
    const began = performance.now();
    const outputs = await session.run({
      ...constant,
      ...orderFeeds(examples.subarray(start, end), evaluationBatchSize),
    });
    pace.observe(Math.ceil((end - start) / evaluationBatchSize), performance.now() - began);
    tally.add(outputs);
    counts.add(outputs);
    errors.add(outputs);
    margins?.set(floatsOf(outputs, ports.margin), start);
  }
  const result = { ...resultOf(tally), ...counts.classes, ...errors.errors, examples: examples.length };
  const { targets } = dataset;
  if (margins === undefined || targets.kind !== "class") return result;
  const labels = Int32Array.from(examples, (example) => targets.values[example] ?? 0);
  const binary = {
    ...countBinary(margins, labels),
    averagePrecision: averagePrecision(margins, labels),
  };
  return { ...result, binary };
}

function resultOf(tally: BatchTally): Omit<EvaluationResult, "examples"> {
  const [weight = 0, places, logLoss] = [ports.weight, ports.counted, ports.logLoss].map((port) =>
    tally.of(port),
  );
  return {
    ...tally.means,
    weight,
    ...(places !== undefined && { places }),
    ...(logLoss !== undefined && { logLoss }),
    ...tally.among,
  };
}

/** Batches of one run are of one size, so a short one at the end is a run of its own. */
function endOfRun(start: number, length: number, steps: number): number {
  const whole = Math.floor((length - start) / evaluationBatchSize);
  return whole === 0 ? length : start + Math.min(whole, steps) * evaluationBatchSize;
}

/** Large enough that the time goes into the arithmetic, small enough for memory. */
export const evaluationBatchSize = 100;
