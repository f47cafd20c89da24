import type { PersonalModelSettings } from "@selvedge/onnx";
import { evaluationScalars } from "./evaluation-scalars.ts";
import { checkParameters, compileTraining, evaluateOn, type LocalTask } from "./local-task.ts";
import { checkMemory } from "./training-cost.ts";
import { runTraining } from "./training-loop.ts";
import type { MeasuringRequest, TrainingMetrics } from "./training-methods.ts";
import type { TrainingParts } from "./training-parts.ts";

/** What a personal model is trained with, beside its own settings. */
export type PersonalRequest = Pick<
  MeasuringRequest,
  | "loss"
  | "optimizer"
  | "terms"
  | "frozen"
  | "accumulate"
  | "batchSize"
  | "seed"
  | "measures"
  | "memoryBytesMax"
>;

/**
 * Trains a device's own model: from `start`, by the task's loss and optimizer, pulled towards the
 * task's parameters where the settings say so. That is Ditto's personal solver (Li et al., 2021,
 * arXiv 2012.04221, algorithm 1) and, without the pull, local fine-tuning (Wang et al., 2019,
 * arXiv 1910.10252). What belongs to the common training alone, its proximal term and correction,
 * has no part in it, and the learning rate stays as it is.
 *
 * @param examples to train on
 * @throws SelvedgeError as `runTraining`, and `out_of_range` when it diverged
 */
export async function trainPersonalModel(
  task: LocalTask,
  request: PersonalRequest,
  { proximal, localEpochs: epochs, learningRate }: PersonalModelSettings,
  start: Float32Array,
  examples: Int32Array,
  parts: TrainingParts,
): Promise<Float32Array> {
  const { accumulate = 1, frozen = [], loss, optimizer } = request;
  const { clipValue, clipNorm } = request.terms ?? {};
  const terms = {
    ...(proximal > 0 && { proximal }),
    ...(clipValue !== undefined && { clipValue }),
    ...(clipNorm !== undefined && { clipNorm }),
  };
  const graph = compileTraining(task, { loss, optimizer, frozen, accumulate, terms }, parts);
  const { data, rows } = task;
  const { dataset } = data;
  const { batchSize, memoryBytesMax, seed } = request;
  checkMemory("training", graph, batchSize, dataset, memoryBytesMax);
  const run = { parameters: start, anchor: task.base, dataset, examples, rows };
  const { parameters } = await parts.withSession(graph, (session) =>
    runTraining(session, graph, { ...run, epochs, batchSize, learningRate, seed }),
  );
  checkParameters(task.layout, parameters);
  return parameters;
}

/** What is measured of a personal model, beside what is of the common one: `personal_loss` for `eval_loss`. */
export async function personalMetrics(
  task: LocalTask,
  request: PersonalRequest,
  parameters: Float32Array,
  examples: Int32Array,
  parts: TrainingParts,
): Promise<TrainingMetrics> {
  if (examples.length === 0) return {};
  const result = await evaluateOn({ ...task, base: parameters }, request.loss, examples, request, parts);
  return Object.fromEntries(
    Object.entries(evaluationScalars(result)).map(([name, value]) => [
      name.replace(/^eval_/, "personal_"),
      value,
    ]),
  );
}
