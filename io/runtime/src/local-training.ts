import { learningRateFactor, summariseColumns } from "@selvedge/learning";
import type { ParameterLayout } from "@selvedge/onnx";
import { measureBase } from "./base-measures.ts";
import type { EvaluationResult } from "./evaluation-loop.ts";
import { evaluationScalars } from "./evaluation-scalars.ts";
import { type HeldOutSplit, splitHeldOut } from "./held-out-split.ts";
import { KeptTraining } from "./kept-training.ts";
import {
  allRows,
  checkFinite,
  checkParameters,
  compileTraining,
  evaluateOn,
  type LocalTask,
  loadTask,
} from "./local-task.ts";
import { personalMetrics, trainPersonalModel } from "./personal-model.ts";
import { checkMemory } from "./training-cost.ts";
import { chosenExamples } from "./training-data.ts";
import { runTraining, type TrainingProgress, type TrainingRun } from "./training-loop.ts";
import type {
  EvaluationRequest,
  LocalTraining,
  MeasuringOutcome,
  MeasuringRequest,
  SummaryOutcome,
  SummaryRequest,
  TrainingMetrics,
} from "./training-methods.ts";
import type { TrainingParts } from "./training-parts.ts";

/** What a training gives: nothing of it is stored yet. */
export interface LocalOutcome {
  /** The update, as `layout` has it. */
  readonly sent: Float32Array;
  readonly layout: ParameterLayout;
  /** What is to be kept for the next round; null = nothing. */
  readonly kept: { readonly bytes: Uint8Array; readonly isContinued: boolean } | null;
  /** How many different examples were trained on. */
  readonly examples: number;
  readonly steps: number;
  readonly metrics: TrainingMetrics;
}

/** Trains from the base parameters on a device's own data. @throws SelvedgeError as `TrainingProcess.train` */
export async function trainLocally(
  request: LocalTraining,
  parts: TrainingParts,
  onProgress: (progress: TrainingProgress) => void,
): Promise<LocalOutcome> {
  const began = performance.now();
  const task = await loadTask(request, parts);
  const { model, layout, base, data, rows } = task;
  const { dataset } = data;
  const { train: trainable, heldOut } = splitRows(rows, request.heldOutFraction);
  const examples = chosenExamples(trainable, request.maxExamples, request.seed);

  const graph = compileTraining(task, request, parts);
  checkMemory("training", graph, request.batchSize, dataset, request.memoryBytesMax);
  const kept = await KeptTraining.open({ model, layout, base, graph }, request);
  const evaluation =
    heldOut.length === 0
      ? undefined
      : await evaluateOn({ ...task, base: kept.parameters }, request.loss, heldOut, request, parts);
  const atBase = await measureBase({ ...task, base: kept.parameters }, request, examples, parts);
  const run = { ...request, ...ratesOf(request), ...kept.settings(), dataset, examples, rows };
  const { localEpochs: epochs, localSteps: steps = 0, stopAt } = request;
  // The time that the process took to begin is gone.
  const until = stopAt === undefined ? Number.POSITIVE_INFINITY : performance.now() + stopAt - Date.now();
  const trained = await parts.withSession(graph, (session) =>
    runTraining(session, graph, { ...run, epochs, steps, until, onProgress }),
  );
  const personal = await trainDitto(task, request, kept, { examples, heldOut }, parts);

  const metrics: TrainingMetrics = {
    train_loss: trained.loss,
    ...(trained.accuracy !== undefined && { train_accuracy: trained.accuracy }),
    ...(evaluation && evaluationScalars(evaluation)),
    ...personal?.metrics,
    seconds: (performance.now() - began) / 1000,
  };
  const made = kept.finish(
    trained,
    difference(layout, trained.parameters, base),
    atBase,
    personal?.parameters,
  );
  checkParameters(made.layout, made.sent);
  checkFinite(metrics);
  return {
    ...{ sent: made.sent, layout: made.layout, metrics },
    examples: Math.min(examples.length, trained.steps * request.batchSize * graph.accumulate),
    steps: trained.steps,
    kept: made.kept && { bytes: made.kept, isContinued: kept.kept?.isContinued ?? false },
  };
}

/** Measures parameters on a dataset. @throws SelvedgeError as `TrainingProcess.evaluate` */
export async function evaluateLocally(
  request: EvaluationRequest,
  parts: TrainingParts,
): Promise<EvaluationResult> {
  const task = await loadTask(request, parts);
  return evaluateOn(task, request.loss ?? "softmax-cross-entropy", task.rows, request, parts);
}

/** Measures on a device's own data. @throws SelvedgeError as `TrainingProcess.measure` */
export async function measureLocally(
  request: MeasuringRequest,
  parts: TrainingParts,
): Promise<MeasuringOutcome> {
  const began = performance.now();
  const task = await loadTask(request, parts);
  const { heldOutFraction, maxExamples, personalModel, seed } = request;
  const split =
    heldOutFraction === 1 ? { train: noRows, heldOut: task.rows } : splitRows(task.rows, heldOutFraction);
  const train = chosenExamples(split.train, maxExamples, seed);
  const heldOut = chosenExamples(split.heldOut, maxExamples, seed);
  const { own, parameters } = await keptParameters(task, request, parts);
  const common = { ...task, base: parameters };
  const result = await evaluateOn(common, request.loss, heldOut, request, parts);
  const personal =
    personalModel?.kind === "fine-tuning"
      ? await trainPersonalModel(common, request, personalModel, parameters, train, parts)
      : own;
  const metrics = {
    ...evaluationScalars(result),
    ...(personalModel && (await personalMetrics(task, request, personal, heldOut, parts))),
    seconds: (performance.now() - began) / 1000,
  };
  checkFinite(metrics);
  return { examples: heldOut.length, metrics };
}

/** Statistics of a table's columns. @throws SelvedgeError as `TrainingProcess.summarise` */
export async function summariseLocally(
  request: SummaryRequest,
  parts: TrainingParts,
): Promise<SummaryOutcome> {
  const { reading, maxExamples, seed } = request;
  const dataset = await parts.columns(request);
  if (!(dataset.inputs instanceof Float32Array)) throw new TypeError("tables are float32");
  const rows = chosenExamples(request.rows ?? allRows(dataset), maxExamples, seed);
  return { statistics: summariseColumns(reading.table, dataset.inputs, rows), examples: rows.length };
}

/** The device's own model, which goes on from round to round; null where the plan has none. */
async function trainDitto(
  task: LocalTask,
  request: LocalTraining,
  kept: KeptTraining,
  { examples, heldOut }: { readonly examples: Int32Array; readonly heldOut: Int32Array },
  parts: TrainingParts,
): Promise<{ readonly parameters: Float32Array; readonly metrics: TrainingMetrics } | null> {
  const { personalModel } = request;
  if (personalModel?.kind !== "ditto") return null;
  const parameters = await trainPersonalModel(task, request, personalModel, kept.own, examples, parts);
  return { parameters, metrics: await personalMetrics(task, request, parameters, heldOut, parts) };
}

/** With what the device kept of the model for itself, and its own model. */
async function keptParameters(
  task: LocalTask,
  request: MeasuringRequest,
  parts: TrainingParts,
): Promise<Pick<KeptTraining, "own" | "parameters">> {
  if (request.keptPath === undefined) return { own: task.base, parameters: task.base };
  return KeptTraining.open({ ...task, graph: compileTraining(task, request, parts) }, request);
}

/** Those to train on and those held out, by their places among the device's own. */
function splitRows(rows: Int32Array, fraction: number): HeldOutSplit {
  const { train, heldOut } = splitHeldOut(rows.length, fraction);
  const rowsAt = (places: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> =>
    places.map((place) => rows[place] ?? 0);
  return { train: rowsAt(train), heldOut: rowsAt(heldOut) };
}

/** One rate for the round, or one for each of its steps. */
function ratesOf({ learningRate, rate }: LocalTraining): Pick<TrainingRun, "learningRate" | "rateFactor"> {
  if (rate === undefined) return { learningRate };
  const { schedule, done, rounds } = rate;
  const factor = (part: number, each: number): number =>
    learningRateFactor(schedule, { done: done + part, each, rounds });
  return rate.byStep ? { learningRate, rateFactor: factor } : { learningRate: learningRate * factor(0, 1) };
}

/** new - base in float32 (SPEC RE1). */
function difference(layout: ParameterLayout, trained: Float32Array, base: Float32Array): Float32Array {
  const update = Float32Array.from(trained);
  for (let index = 0; index < update.length; index += 1)
    update[index] = (update[index] ?? 0) - (base[index] ?? 0);
  checkParameters(layout, update);
  return update;
}

const noRows: Int32Array = new Int32Array();
