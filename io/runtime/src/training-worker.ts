import { type Dataset, openDataset } from "@selvedge/datasets";
import { learningRateFactor, summariseColumns } from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  evaluationGraph,
  type Loss,
  type LossName,
  type OnnxModel,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  slotOf,
  type TrainingGraph,
  trainingGraph,
} from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { writeFileDurably } from "@selvedge/storage";
import { type EvaluationResult, evaluationBatchSize, runEvaluation } from "./evaluation-loop.ts";
import { evaluationScalars } from "./evaluation-scalars.ts";
import { splitHeldOut } from "./held-out-split.ts";
import { type KeptOutcome, KeptTraining } from "./kept-training.ts";
import { NativeSession } from "./native-session.ts";
import { readBytes } from "./read-bytes.ts";
import { serveChild } from "./serve-child.ts";
import { checkMemory } from "./training-cost.ts";
import { chosenExamples, openTrainingData, type TrainingData } from "./training-data.ts";
import { runTraining, type TrainingProgress, type TrainingRun } from "./training-loop.ts";
import type {
  EvaluationRequest,
  MeasuringOutcome,
  MeasuringRequest,
  SummaryOutcome,
  SummaryRequest,
  TrainingMethods,
  TrainingMetrics,
  TrainingOutcome,
  TrainingRequest,
} from "./training-methods.ts";

// The child process behind `TrainingProcess`.
serveChild<TrainingMethods>({ train, measure, evaluate, summarise });

async function train(
  request: TrainingRequest,
  onProgress: (progress: TrainingProgress) => void,
): Promise<TrainingOutcome> {
  const began = performance.now();
  const task = await loadTask(request);
  const { model, layout, base, data } = task;
  const { dataset } = data;
  const { train: trainable, heldOut } = splitHeldOut(dataset.length, request.heldOutFraction);
  const examples = chosenExamples(trainable, request.maxExamples, request.seed);

  const graph = compile(task, request);
  checkMemory("training", graph, request.batchSize, dataset, request.memoryBytesMax);
  const kept = await KeptTraining.open({ model, layout, base, graph }, request);
  const evaluation =
    heldOut.length === 0
      ? undefined
      : await evaluateOn({ ...task, base: kept.parameters }, request.loss, heldOut, request);
  const session = await NativeSession.load(graph.bytes);
  const trained = await runTraining(session, graph, {
    ...request,
    ...ratesOf(request),
    ...kept.settings(),
    dataset,
    examples,
    epochs: request.localEpochs,
    onProgress,
  }).finally(() => session.release());

  const metrics: TrainingMetrics = {
    train_loss: trained.loss,
    ...(trained.accuracy !== undefined && { train_accuracy: trained.accuracy }),
    ...(evaluation && evaluationScalars(evaluation)),
    seconds: (performance.now() - began) / 1000,
  };
  const made = kept.finish(trained, difference(layout, trained.parameters, base));
  checkUpdate(made);
  checkFinite(metrics);
  const file = encodeSafetensors(made.layout, made.sent);
  await writeFileDurably(request.updatePath, file);
  if (made.kept !== null && request.nextKeptPath !== undefined)
    await writeFileDurably(request.nextKeptPath, made.kept);
  return {
    update: { digest: digestOf(file), length: file.length },
    examples: examples.length,
    steps: trained.steps,
    metrics,
    kept: kept.kept,
  };
}

function compile(
  { model, data }: Task,
  {
    loss,
    optimizer,
    terms,
    frozen = [],
    accumulate = 1,
    rate,
  }: Omit<TrainingRequest, "updatePath" | "learningRate" | "localEpochs">,
): TrainingGraph {
  const scheduled = rate?.byStep ?? false;
  return trainingGraph(model, { loss, optimizer, frozen, accumulate, scheduled, ...terms, ...data.format });
}

async function evaluate(request: EvaluationRequest): Promise<EvaluationResult> {
  const task = await loadTask(request);
  return await evaluateOn(task, request.loss ?? "softmax-cross-entropy", allRows(task.data.dataset), request);
}

async function measure(request: MeasuringRequest): Promise<MeasuringOutcome> {
  const began = performance.now();
  const task = await loadTask(request);
  const { dataset } = task.data;
  const { heldOutFraction, maxExamples, seed } = request;
  const among =
    heldOutFraction === 1 ? allRows(dataset) : splitHeldOut(dataset.length, heldOutFraction).heldOut;
  const examples = chosenExamples(among, maxExamples, seed);
  const base = await ownParameters(task, request);
  const result = await evaluateOn({ ...task, base }, request.loss, examples, request);
  const metrics = { ...evaluationScalars(result), seconds: (performance.now() - began) / 1000 };
  checkFinite(metrics);
  return { examples: examples.length, metrics };
}

/** With what the device kept of the model for itself. */
async function ownParameters(task: Task, request: MeasuringRequest): Promise<Float32Array> {
  if (request.keptPath === undefined) return task.base;
  return (await KeptTraining.open({ ...task, graph: compile(task, request) }, request)).parameters;
}

async function summarise({ dataset, reading, maxExamples, seed }: SummaryRequest): Promise<SummaryOutcome> {
  const opened = await openDataset(dataset, reading);
  if (!(opened.inputs instanceof Float32Array)) throw new TypeError("tables are float32");
  const rows = chosenExamples(allRows(opened), maxExamples, seed);
  return { statistics: summariseColumns(reading.table, opened.inputs, rows), examples: rows.length };
}

/** One rate for the round, or one for each of its steps. */
function ratesOf({ learningRate, rate }: TrainingRequest): Pick<TrainingRun, "learningRate" | "rateFactor"> {
  if (rate === undefined) return { learningRate };
  const { schedule, done, rounds } = rate;
  const factor = (part: number, each: number): number =>
    learningRateFactor(schedule, { done: done + part, each, rounds });
  return rate.byStep ? { learningRate, rateFactor: factor } : { learningRate: learningRate * factor(0, 1) };
}

function allRows({ length }: Dataset): Int32Array {
  return Int32Array.from({ length }, (_, row) => row);
}

interface Task {
  readonly model: OnnxModel;
  readonly layout: ParameterLayout;
  readonly base: Float32Array;
  readonly data: TrainingData;
}

async function loadTask(request: EvaluationRequest): Promise<Task> {
  const model = parseModel(await readBytes(request.modelPath));
  const layout = parameterLayout(model);
  const base = decodeSafetensors(await readBytes(request.weightsPath), layout);
  return { model, layout, base, data: await openTrainingData(request) };
}

async function evaluateOn(
  task: Task,
  loss: LossName | Loss,
  examples: Int32Array,
  { measures, memoryBytesMax }: Pick<EvaluationRequest, "measures" | "memoryBytesMax">,
): Promise<EvaluationResult> {
  const graph = evaluationGraph(task.model, { loss, ...measures, ...task.data.format });
  checkMemory("evaluating", graph, evaluationBatchSize, task.data.dataset, memoryBytesMax);
  const session = await NativeSession.load(graph.bytes);
  return await runEvaluation(session, graph, {
    parameters: task.base,
    dataset: task.data.dataset,
    examples,
  }).finally(() => session.release());
}

/** new - base in float32 (SPEC RE1). */
function difference(layout: ParameterLayout, trained: Float32Array, base: Float32Array): Float32Array {
  const update = trained.map((value, index) => value - (base[index] ?? 0));
  checkUpdate({ layout, sent: update });
  return update;
}

/** Refuses what is not finite (SPEC RE3). */
function checkUpdate({ layout, sent }: Pick<KeptOutcome, "layout" | "sent">): void {
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
