import type { Dataset } from "@selvedge/datasets";
import { learningRateFactor, summariseColumns } from "@selvedge/learning";
import { type Loss, type LossName, type ParameterLayout, slotOf, type TrainingGraph } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import { type EvaluationResult, evaluationBatchSize, runEvaluation } from "./evaluation-loop.ts";
import { evaluationScalars } from "./evaluation-scalars.ts";
import { type HeldOutSplit, splitHeldOut } from "./held-out-split.ts";
import { KeptTraining } from "./kept-training.ts";
import { checkMemory } from "./training-cost.ts";
import { chosenExamples, type DataRequest, type TrainingData } from "./training-data.ts";
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
import type { LoadedModel, TrainingParts } from "./training-parts.ts";

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

  const graph = compile(task, request, parts);
  checkMemory("training", graph, request.batchSize, dataset, request.memoryBytesMax);
  const kept = await KeptTraining.open({ model, layout, base, graph }, request);
  const evaluation =
    heldOut.length === 0
      ? undefined
      : await evaluateOn({ ...task, base: kept.parameters }, request.loss, heldOut, request, parts);
  const run = { ...request, ...ratesOf(request), ...kept.settings(), dataset, examples, rows };
  const trained = await parts.withSession(graph, (session) =>
    runTraining(session, graph, { ...run, epochs: request.localEpochs, onProgress }),
  );

  const metrics: TrainingMetrics = {
    train_loss: trained.loss,
    ...(trained.accuracy !== undefined && { train_accuracy: trained.accuracy }),
    ...(evaluation && evaluationScalars(evaluation)),
    seconds: (performance.now() - began) / 1000,
  };
  const made = kept.finish(trained, difference(layout, trained.parameters, base));
  checkUpdate(made);
  checkFinite(metrics);
  return {
    ...{ sent: made.sent, layout: made.layout, metrics },
    ...{ examples: examples.length, steps: trained.steps },
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
  const { heldOutFraction, maxExamples, seed } = request;
  const among = heldOutFraction === 1 ? task.rows : splitRows(task.rows, heldOutFraction).heldOut;
  const examples = chosenExamples(among, maxExamples, seed);
  const base = await ownParameters(task, request, parts);
  const result = await evaluateOn({ ...task, base }, request.loss, examples, request, parts);
  const metrics = { ...evaluationScalars(result), seconds: (performance.now() - began) / 1000 };
  checkFinite(metrics);
  return { examples: examples.length, metrics };
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

function compile(
  task: Task,
  request: Omit<LocalTraining, "learningRate" | "localEpochs">,
  parts: TrainingParts,
): TrainingGraph {
  const { loss, optimizer, terms, frozen = [], accumulate = 1, rate } = request;
  const scheduled = rate?.byStep ?? false;
  const settings = { loss, optimizer, frozen, accumulate, scheduled, ...terms };
  return parts.trainingGraph(task, { ...settings, ...task.data.format });
}

/** With what the device kept of the model for itself. */
async function ownParameters(
  task: Task,
  request: MeasuringRequest,
  parts: TrainingParts,
): Promise<Float32Array> {
  if (request.keptPath === undefined) return task.base;
  return (await KeptTraining.open({ ...task, graph: compile(task, request, parts) }, request)).parameters;
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

function allRows({ length }: Dataset): Int32Array {
  return Int32Array.from({ length }, (_, row) => row);
}

interface Task extends LoadedModel {
  readonly base: Float32Array;
  readonly data: TrainingData;
  /** The examples that are meant. */
  readonly rows: Int32Array;
}

async function loadTask(
  request: DataRequest & Pick<EvaluationRequest, "modelPath" | "weightsPath">,
  parts: TrainingParts,
): Promise<Task> {
  const loaded = await parts.model(request.modelPath);
  const base = await parts.weights(request.weightsPath, loaded.layout);
  const data = await parts.data(request);
  return { ...loaded, base, data, rows: request.rows ?? allRows(data.dataset) };
}

async function evaluateOn(
  { base, data, ...loaded }: Task,
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

/** new - base in float32 (SPEC RE1). */
function difference(layout: ParameterLayout, trained: Float32Array, base: Float32Array): Float32Array {
  const update = trained.map((value, index) => value - (base[index] ?? 0));
  checkUpdate({ layout, sent: update });
  return update;
}

/** Refuses what is not finite (SPEC RE3). */
function checkUpdate({ layout, sent }: Pick<LocalOutcome, "layout" | "sent">): void {
  for (const slot of layout.slots) {
    if (!slotOf(sent, slot).every(Number.isFinite)) throw diverged(`parameter "${slot.name}" is not finite`);
  }
}

function checkFinite(metrics: TrainingMetrics): void {
  for (const [name, value] of Object.entries(metrics)) {
    if (!Number.isFinite(value)) throw diverged(`${name} is ${value}`);
  }
}

function diverged(what: string): SelvedgeError {
  return new SelvedgeError("out_of_range", `training diverged: ${what}`, {
    fix: "lower the learning rate, and check the base parameters and the data",
  });
}
