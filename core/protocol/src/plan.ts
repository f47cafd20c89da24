import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { checkSelection, invitedMax } from "./device-selection.ts";
import { type BlobReference, type Digest, digestOf, isDigest } from "./digest.ts";
import { SelvedgeError } from "./errors.ts";
import {
  type DatasetRequest,
  type EvaluateTask,
  type Plan,
  PlanSchema,
  type ScheduleSpec,
  type TrainTask,
} from "./gen/selvedge/v1/round_pb.js";
import { limits, namePattern } from "./limits.ts";
import { checkPersonalModel, personalNames } from "./personal-model.ts";
import { invalidPlan as invalid, oneOf, range } from "./plan-checks.ts";
import { type PlanTarget, planTargetOf } from "./plan-target.ts";
import { checkAggregator, laterAggregator } from "./planned-aggregators.ts";
import { checkTogether, isNamed } from "./planned-algorithms.ts";
import { type MetricsContext, measuredNames, scalarsOf } from "./planned-metrics.ts";
import { checkRateSchedule } from "./rate-schedule.ts";
import { checkRobust } from "./robust-settings.ts";
import { needsStatistics, type TableSchema, tableSchemaOf } from "./table-schema.ts";
import { type TextSchema, textSchemaOf } from "./text-schema.ts";
import { checkServerOptimizer, checkTrainingSettings, hasAccuracy } from "./training-settings.ts";

/** What a plan has devices do. */
export type TaskKind = "train" | "evaluate";

/**
 * The phases that a plan of this task and dataset has, in order. What columns are normalised
 * with is gathered in a round of its own, before all others.
 */
export function phasesOf(
  table: TableSchema | null,
  task: TaskKind = "train",
  evaluateEvery = 0,
): readonly string[] {
  const gathers = table?.columns.some(needsStatistics) ?? false;
  const evaluates = task === "evaluate" || evaluateEvery > 0;
  return [
    ...(gathers ? ["statistics"] : []),
    ...(task === "train" ? ["train"] : []),
    ...(evaluates ? ["evaluate"] : []),
    "submit",
  ];
}

const dayMs = 86_400_000;

/** The table whose columns are scaled by what devices said of them; null when none is. */
export function scaledTable({ plan, table }: CheckedPlan): TableSchema | null {
  return plan.phases.includes("statistics") ? table : null;
}

/** A plan whose every field was checked, with the parts that must be there. */
export interface CheckedPlan {
  readonly plan: Plan;
  /** How devices train; of an evaluation how they measure, and nothing is trained. */
  readonly train: TrainTask;
  /** What is measured where nothing is trained; null for a plan that trains. */
  readonly evaluate: EvaluateTask | null;
  /** The forward graph (ONNX). */
  readonly model: BlobReference;
  /** How rows become examples; null for data that has no columns. */
  readonly table: TableSchema | null;
  /** How a text becomes examples; null for data that is none. */
  readonly text: TextSchema | null;
  /** What is learned of each example. */
  readonly target: PlanTarget;
  /** What a device may report, of what this version knows. */
  readonly metrics: readonly string[];
  readonly digest: Digest;
}

/**
 * The bytes that are hashed, signed and sent. Nobody re-encodes a plan: every
 * party hashes the bytes it received.
 *
 * @throws SelvedgeError `invalid_argument` as `decodePlan`.
 */
export function encodePlan(plan: Plan): Uint8Array {
  const bytes = toBinary(PlanSchema, plan);
  decodePlan(bytes);
  return bytes;
}

/**
 * Reads a plan and checks every field (SPEC OF1).
 *
 * @throws SelvedgeError `too_large`, `corrupt`, or `invalid_argument` naming the field.
 */
export function decodePlan(bytes: Uint8Array): CheckedPlan {
  if (bytes.length > limits.planBytesMax) {
    throw new SelvedgeError("too_large", `a plan of ${bytes.length} bytes; at most ${limits.planBytesMax}`);
  }
  const plan = decode(bytes);
  const { train, evaluate } = taskOf(plan);
  if (evaluate === null) checkServer(plan);
  if (evaluate === null) checkTrain(train);
  else checkEvaluation(train, plan);
  checkExamples(train);
  const dataset = checkDataset(plan);
  const target = planTargetOf(dataset, train);
  checkTrainingSettings(train, dataset, target, laterAggregator(plan.aggregator));
  checkRateSchedule(train.schedule, plan.schedule?.rounds ?? 0);
  const model = checkModel(plan);
  const table = tableSchemaOf(dataset);
  const text = textSchemaOf(dataset);
  checkRest(plan, table, evaluate);
  checkSchedule(plan, train);
  checkTotal(plan, train);
  checkTogether(train, plan);
  const context = { target, loss: train.loss };
  checkPersonalModel(train, evaluate, plan);
  const metrics = checkMetrics(plan, train, context);
  checkSelection(plan.schedule, metrics);
  checkGoal(plan.schedule, measuredNames(metrics, context));
  return { plan, train, evaluate, model, table, text, target, metrics, digest: digestOf(bytes) };
}

function decode(bytes: Uint8Array): Plan {
  try {
    return fromBinary(PlanSchema, bytes);
  } catch (cause) {
    throw new SelvedgeError("corrupt", "these bytes are not a plan", { cause });
  }
}

/** @throws SelvedgeError `invalid_argument`: a device of this version declines what it does not know (SPEC EV1) */
function taskOf({ task }: Plan): Pick<CheckedPlan, "train" | "evaluate"> {
  if (task?.kind.case === "train") return { train: task.kind.value, evaluate: null };
  if (task?.kind.case === "evaluate" && task.kind.value.settings !== undefined)
    return { train: task.kind.value.settings, evaluate: task.kind.value };
  throw invalid("task", "this version knows only the kinds 'train' and 'evaluate'");
}

function checkTrain(train: TrainTask): void {
  range("task.learning_rate", train.learningRate, Number.MIN_VALUE, 1e6);
  range("task.batch_size", train.batchSize, 1, 65_536);
  range("task.local_epochs", train.localEpochs, 1, 1_000);
}

/** What belongs to a job on a device has no part in another job's evaluation. */
function checkEvaluation({ algorithm, personal, keepOptimizerState }: TrainTask, { schedule }: Plan): void {
  const { target, targetAccuracy = 0, earlyStopping, evaluateEvery = 0 } = schedule ?? {};
  if (evaluateEvery > 0) throw invalid("schedule.evaluate_every", "is of a training");
  if (target !== undefined || targetAccuracy > 0 || earlyStopping !== undefined)
    throw invalid("schedule", "an evaluation has no metric to reach: it changes no model");
  if (isNamed(algorithm)) throw invalid("task.algorithm", `"${algorithm}" trains, it does not measure`);
  if (personal.length === 0 && !keepOptimizerState) return;
  throw invalid("task.personal", "an evaluation keeps nothing on devices");
}

function checkExamples(train: TrainTask): void {
  range("task.held_out_fraction", train.heldOutFraction, 0, 0.9);
  range("task.max_examples_per_device", train.maxExamplesPerDevice, 1, 2 ** 31 - 1);
}

function checkModel(plan: Plan): BlobReference {
  const digest = plan.model?.digest ?? "";
  if (!isDigest(digest)) throw invalid("model", "a digest is needed");
  const length = Number(plan.model?.length);
  range("model.length", length, 1, limits.blobBytesMax);
  return { digest, length };
}

function checkDataset({ dataset }: Plan): DatasetRequest {
  if (dataset === undefined || !namePattern.test(dataset.name))
    throw invalid("dataset.name", "a name is needed");
  if (dataset.inputShape.length < 1 || dataset.inputShape.length > 8 || dataset.inputShape.includes(0)) {
    throw invalid("dataset.input_shape", "one to eight positive sizes are needed");
  }
  return dataset;
}

function checkRest(plan: Plan, table: TableSchema | null, evaluate: EvaluateTask | null): void {
  if (!namePattern.test(plan.name)) throw invalid("name", `"${plan.name}" is not a name`);
  if (plan.protections.length > 0) {
    throw invalid("protections", `this version has no protection "${plan.protections[0]?.name}"`);
  }
  const { evaluateEvery = 0 } = plan.schedule ?? {};
  const phases = phasesOf(table, evaluate === null ? "train" : "evaluate", evaluateEvery);
  if (plan.phases.join() !== phases.join()) throw invalid("phases", `must be ${phases.join(", ")}`);
}

function checkServer({ aggregator, schedule, serverOptimizer }: Plan): void {
  checkAggregator(aggregator);
  if (aggregator !== undefined) checkRobust(aggregator, schedule);
  checkServerOptimizer(serverOptimizer);
}

function checkMetrics(
  { metrics, optionalMetrics }: Plan,
  { personalModel }: TrainTask,
  context: MetricsContext,
): string[] {
  const scalars = new Set<string>();
  for (const name of [...metrics, ...optionalMetrics]) {
    const found = scalarsOf(name, context);
    if (typeof found === "string") throw invalid("metrics", found);
    if (found === undefined && metrics.includes(name)) {
      throw invalid("metrics", `"${name.slice(0, 64)}" is not one that this version knows`);
    }
    for (const scalar of found ?? []) scalars.add(scalar);
  }
  const names = [...scalars, ...(personalModel === undefined ? [] : personalNames([...scalars]))];
  if (names.length <= limits.metricsMax) return names;
  throw invalid("metrics", `${names.length} numbers; at most ${limits.metricsMax} leave a device in a round`);
}

function checkSchedule({ schedule }: Plan, { loss }: TrainTask): void {
  if (schedule === undefined) throw invalid("schedule", "is missing");
  range("schedule.rounds", schedule.rounds, 1, limits.roundsMax);
  range("schedule.cohort", schedule.cohort, 1, limits.cohortMax);
  range("schedule.quorum", schedule.quorum, 1, schedule.cohort);
  range("schedule.deadline_ms", schedule.deadlineMs, 1_000, 30 * dayMs);
  range("schedule.grace_ms", schedule.graceMs, 0, schedule.deadlineMs);
  range("schedule.evaluate_every", schedule.evaluateEvery, 0, limits.roundsMax);
  range("schedule.target_accuracy", schedule.targetAccuracy, 0, 1);
  if (schedule.targetAccuracy > 0 && !hasAccuracy(loss)) {
    throw invalid("schedule.target_accuracy", `${loss} learns numbers, which have no accuracy`);
  }
}

function checkGoal(schedule: ScheduleSpec | undefined, measured: readonly string[]): void {
  const { target, targetAccuracy = 0, earlyStopping } = schedule ?? {};
  if (target !== undefined) {
    oneOf("schedule.target.metric", target.metric, measured);
    range("schedule.target.bound", target.bound.value ?? Number.NaN, -1e6, 1e6);
    if (targetAccuracy > 0) throw invalid("schedule.target", "stands beside target_accuracy");
  }
  if (earlyStopping === undefined) return;
  oneOf("schedule.early_stopping.metric", earlyStopping.metric, measured);
  range("schedule.early_stopping.patience", earlyStopping.patience, 1, limits.roundsMax);
  range("schedule.early_stopping.min_delta", earlyStopping.minDelta, 0, 1e6);
}

/** Sums are exact only up to a total weight (SPEC AG3). */
function checkTotal(plan: Plan, train: TrainTask): void {
  const invited = plan.schedule === undefined ? 0 : invitedMax(plan.schedule);
  const total = invited * train.maxExamplesPerDevice;
  if (total <= limits.normaliserMax) return;
  throw invalid(
    "task.max_examples_per_device",
    `times the devices invited is ${total}; at most ${limits.normaliserMax}`,
  );
}
