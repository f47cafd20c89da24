import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AggregatorSpec,
  AggregatorSpecSchema,
  algorithmOf,
  type BlobReference,
  type ColumnSchema,
  type DatasetRequestSchema,
  type EvaluateTaskSchema,
  firstMetricNames,
  laterAggregator,
  type MetricTargetSchema,
  type PersonalModelSchema,
  type Plan,
  PlanSchema,
  phasesOf,
  type ScheduleSpecSchema,
  type ServerOptimizerSpecSchema,
  type TableColumn,
  type TargetSchema,
  type TrainTask,
  TrainTaskSchema,
} from "@selvedge/protocol";
import { isAveraging } from "./averaging-presets.ts";
import type { JobDataset } from "./dataset-schema.ts";
import type { MetricGoal } from "./goal-schema.ts";
import type { JobFile } from "./job-file.ts";
import type { PersonalModelFields } from "./training-schema.ts";

/** What devices are asked to do for a job, ready for `encodePlan` and `signPlan`. */
export function buildPlan(job: JobFile, model: BlobReference): Plan {
  const isTraining = job.task === "train";
  return create(PlanSchema, {
    name: job.name,
    task: {
      kind: isTraining
        ? { case: "train", value: trainTask(job) }
        : { case: "evaluate", value: evaluateTask(job) },
    },
    model: { digest: model.digest, length: BigInt(model.length) },
    dataset: datasetRequest(job.dataset),
    ...(isTraining && {
      aggregator: aggregatorSpec(job),
      serverOptimizer: serverOptimizer(job),
    }),
    metrics: job.metrics.filter((name) => firstMetricNames.includes(name)),
    // Devices of earlier versions do not know them.
    optionalMetrics: job.metrics.filter((name) => !firstMetricNames.includes(name)),
    schedule: schedule(job),
    seed: BigInt(job.seed),
    phases: [...phasesOf(job.dataset.table, job.task, isTraining ? job.federatedEvaluation?.every : 0)],
  });
}

function aggregatorSpec({ aggregator: { name, robust, blocks } }: JobFile): AggregatorSpec {
  const options = given(robust);
  return create(AggregatorSpecSchema, { name, blocks: [...blocks], ...(options && { robust: options }) });
}

/** What a strategy is told has a place of its own in the plan. */
function serverOptimizer({
  server,
  serverLearningRate: learningRate,
}: JobFile): MessageInitShape<typeof ServerOptimizerSpecSchema> {
  const { name, digest: strategy, options: strategyOptions, ...rest } = server;
  const own = name === "strategy" ? { strategy, strategyOptions } : rest;
  return { name, learningRate, ...given(own) } as MessageInitShape<typeof ServerOptimizerSpecSchema>;
}

/** A target that is a plain number is the accuracy that every version knows. */
function schedule(job: JobFile): MessageInitShape<typeof ScheduleSpecSchema> {
  const { rounds, cohort, quorum, deadlineMs, graceMs, target, earlyStopping } = job;
  const always = { rounds, cohort, quorum, deadlineMs, graceMs, ...selectionOf(job) };
  if (job.task === "evaluate") return always;
  return {
    ...always,
    ...(typeof target === "number" && { targetAccuracy: target }),
    ...(typeof target === "object" && { target: metricTarget(target) }),
    ...(earlyStopping !== undefined && { earlyStopping }),
    ...(job.federatedEvaluation && { evaluateEvery: job.federatedEvaluation.every }),
  };
}

/** What is not given is not in the plan. */
function selectionOf({
  overSelection,
  selection,
}: JobFile): Pick<MessageInitShape<typeof ScheduleSpecSchema>, "overSelection" | "selection"> {
  const limit = overSelection === undefined ? {} : { overSelection };
  if (selection === undefined) return limit;
  const { requires, ...chosen } = selection;
  const { memory = 0, cores = 0, architectures = [], groups = [], tags = [] } = requires ?? {};
  const required = { memoryBytes: BigInt(memory), cores, architectures, groups, tags };
  return { ...limit, selection: { ...chosen, ...(requires && { requires: required }) } };
}

function metricTarget({ metric, atLeast, atMost }: MetricGoal): MessageInitShape<typeof MetricTargetSchema> {
  return {
    metric,
    bound:
      atLeast === undefined ? { case: "atMost", value: atMost ?? 0 } : { case: "atLeast", value: atLeast },
  };
}

function datasetRequest(dataset: JobDataset): MessageInitShape<typeof DatasetRequestSchema> {
  const { name, inputShape, target, table, text } = dataset;
  const label = table?.label;
  return {
    name,
    inputShape: [...inputShape],
    classes: target.kind === "class" ? target.classes : 0,
    ...(table !== null && { columns: table.columns.map(columnRequest) }),
    ...(label && { label: { name: label.name, values: [...label.values] } }),
    ...(text !== null && { text: { vocabulary: text.vocabulary.join(""), stride: text.stride } }),
    ...targetRequest(dataset),
  };
}

/** One class for each example is what a plan means that says nothing. */
function targetRequest({ target, table }: JobDataset): {
  readonly target?: MessageInitShape<typeof TargetSchema>;
} {
  const { kind, shape } = target;
  if (kind === "class" && shape.length === 0) return {};
  const columns = table?.targets.map(columnRequest) ?? [];
  return { target: { kind, shape: kind === "input" ? [] : [...shape], columns } };
}

function columnRequest(column: TableColumn): MessageInitShape<typeof ColumnSchema> {
  return { ...column, values: [...column.values] };
}

/** Of the settings that a training has, those that say how it measures, and how a model is tuned that is measured. */
function evaluateTask(job: JobFile): MessageInitShape<typeof EvaluateTaskSchema> {
  const { alpha: _alpha, population: _population, proximal: _proximal, schedule: _schedule, ...rest } = job;
  const alone: JobFile = {
    ...{ ...rest, algorithm: "fedavg", personal: [], keepOptimizerState: false },
    ...{ localSteps: 0, partialWork: false },
  };
  const settings = trainTask(job.personalModel === undefined ? { ...alone, ...untrained } : alone);
  return {
    settings: { ...settings, learningRate: 0, localEpochs: 0 },
    allExamples: job.examples === "all",
  };
}

const untrained: Pick<
  JobFile,
  "optimizer" | "clipValue" | "clipNorm" | "frozen" | "accumulate" | "batchSize"
> = {
  ...{ optimizer: { name: "sgd" }, clipValue: undefined, clipNorm: undefined },
  ...{ frozen: [], accumulate: 1, batchSize: 0 },
};

/** Options that are not given are not in the plan, so that the devices of every version take it that can. */
export function trainTask(job: JobFile): TrainTask {
  const { learningRate, batchSize, localEpochs, heldOutFraction, maxExamplesPerDevice } = job;
  const { loss, optimizer, proximal, clipValue, clipNorm, frozen, personal, keepOptimizerState, schedule } =
    job;
  const { output: customLossOutput, ...lossOptions } = loss;
  const settings = {
    lossOptions: given(lossOptions),
    ...(typeof customLossOutput === "string" && { customLossOutput }),
    optimizerOptions: given(optimizer),
    gradientOptions: given({ proximal, clipValue, clipNorm }),
    frozen: [...frozen],
    personal: [...personal],
    keepOptimizerState,
    population: job.population ?? 0,
    ...(job.alpha !== undefined && { alpha: job.alpha }),
    ...(job.q !== undefined && { q: job.q }),
    ...betaOf(job),
    ...(schedule && { schedule }),
    ...(job.personalModel && { personalModel: personalModel(job, job.personalModel) }),
    ...(job.accumulate > 1 && { accumulate: job.accumulate }),
    ...{ localSteps: job.localSteps, partialWork: job.partialWork },
  };
  const text = job.dataset.text ?? undefined;
  const aggregator = laterAggregator(aggregatorSpec(job));
  const requested = { ...settings, ...targetRequest(job.dataset), text, aggregator };
  return create(TrainTaskSchema, {
    algorithm: isAveraging(job.algorithm) ? algorithmOf(requested) : job.algorithm,
    loss: loss.name,
    optimizer: optimizer.name,
    learningRate,
    batchSize,
    localEpochs,
    heldOutFraction,
    maxExamplesPerDevice,
    ...(settings as MessageInitShape<typeof TrainTaskSchema>),
  });
}

/** What it does not say is as of the common training. */
function personalModel(
  job: JobFile,
  { kind, localEpochs = job.localEpochs, learningRate = job.learningRate, ...ditto }: PersonalModelFields,
): MessageInitShape<typeof PersonalModelSchema> {
  return { kind, localEpochs, learningRate, proximal: "lambda" in ditto ? ditto.lambda : 0 };
}

/** Of MimeLite, whose paper has 0.9; what another algorithm is given is for the plan's check to refuse. */
function betaOf({ algorithm, beta = algorithm === "mimelite" ? 0.9 : undefined }: JobFile): {
  readonly beta?: number;
} {
  return beta === undefined ? {} : { beta };
}

/** The options among named values; undefined when there are none. */
function given(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  const set = Object.entries(options).filter(([name, value]) => name !== "name" && value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}
