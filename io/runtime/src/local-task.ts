import type { Dataset } from "@selvedge/datasets";
import { type Loss, type LossName, type ParameterLayout, slotOf, type TrainingGraph } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import { type EvaluationResult, evaluationBatchSize, runEvaluation } from "./evaluation-loop.ts";
import { checkMemory } from "./training-cost.ts";
import type { DataRequest, TrainingData } from "./training-data.ts";
import type { EvaluationRequest, LocalTraining, TrainingMetrics } from "./training-methods.ts";
import type { LoadedModel, TrainingParts } from "./training-parts.ts";

/** A model with parameters, and the examples that it is trained or measured on. */
export interface LocalTask extends LoadedModel {
  readonly base: Float32Array;
  readonly data: TrainingData;
  /** The examples that are meant. */
  readonly rows: Int32Array;
}

/** What a training graph is compiled with. */
export type CompileRequest = Pick<
  LocalTraining,
  "loss" | "optimizer" | "terms" | "frozen" | "accumulate" | "rate"
>;

/** @throws SelvedgeError as `TrainingParts` does */
export async function loadTask(
  request: DataRequest & Pick<EvaluationRequest, "modelPath" | "weightsPath">,
  parts: TrainingParts,
): Promise<LocalTask> {
  const loaded = await parts.model(request.modelPath);
  const base = await parts.weights(request.weightsPath, loaded.layout);
  const data = await parts.data(request);
  return { ...loaded, base, data, rows: request.rows ?? allRows(data.dataset) };
}

/** Measures the task's parameters on some of its examples. @throws SelvedgeError as `runEvaluation` */
export async function evaluateOn(
  { base, data, ...loaded }: LocalTask,
  loss: LossName | Loss,
  examples: Int32Array,
  { measures, memoryBytesMax }: Pick<EvaluationRequest, "measures" | "memoryBytesMax">,
  parts: TrainingParts,
): Promise<EvaluationResult> {
  const { dataset, format } = data;
  const graph = parts.evaluationGraph(loaded, { loss, ...measures, ...format });
  checkMemory("evaluating", graph, evaluationBatchSize, dataset, memoryBytesMax);
  return parts.withSession(graph, (session) =>
    runEvaluation(session, graph, { parameters: base, dataset, examples }),
  );
}

/** @throws SelvedgeError as `trainingGraph` */
export function compileTraining(
  task: LocalTask,
  request: CompileRequest,
  parts: TrainingParts,
): TrainingGraph {
  const { loss, optimizer, terms, frozen = [], accumulate = 1, rate } = request;
  const scheduled = rate?.byStep ?? false;
  const settings = { loss, optimizer, frozen, accumulate, scheduled, ...terms };
  return parts.trainingGraph(task, { ...settings, ...task.data.format });
}

/** Those of a whole dataset. */
export function allRows({ length }: Dataset): Int32Array {
  return Int32Array.from({ length }, (_, row) => row);
}

/** Refuses what is not finite (SPEC RE3). @throws SelvedgeError `out_of_range` naming the parameter */
export function checkParameters(layout: ParameterLayout, values: Float32Array): void {
  for (const slot of layout.slots) {
    if (!areFinite(slotOf(values, slot))) throw diverged(`parameter "${slot.name}" is not finite`);
  }
}

/** Nothing times zero is anything but zero, unless it is not finite. */
function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += (values[index] ?? 0) * 0;
  return sum === 0;
}

/** @throws SelvedgeError `out_of_range` naming the metric */
export function checkFinite(metrics: TrainingMetrics): void {
  for (const [name, value] of Object.entries(metrics)) {
    if (!Number.isFinite(value)) throw diverged(`${name} is ${value}`);
  }
}

function diverged(what: string): SelvedgeError {
  return new SelvedgeError("out_of_range", `training diverged: ${what}`, {
    fix: "lower the learning rate, and check the base parameters and the data",
  });
}
