import { limits } from "./limits.ts";
import { isBinary, type PlanTarget } from "./plan-target.ts";
import { hasAccuracy } from "./training-settings.ts";

/** What devices of every version can report; a plan names the rest as optional (SPEC OF7). */
export const firstMetricNames: readonly string[] = [
  "train_loss",
  "train_accuracy",
  "eval_loss",
  "eval_accuracy",
  "eval_examples",
  "examples",
  "seconds",
];

/** What a device may report of two classes, of which the second is the positive one. */
export const binaryMetricNames: readonly string[] = [
  "eval_true_positives",
  "eval_false_positives",
  "eval_false_negatives",
  "eval_average_precision",
];

/** What the measures of numbers are made of. */
export const errorMeasures: Readonly<Record<"mae" | "rmse" | "r2", readonly string[]>> = {
  mae: ["eval_absolute_error", "eval_numbers"],
  rmse: ["eval_squared_error", "eval_numbers"],
  r2: ["eval_squared_error", "eval_numbers", "eval_target_sum", "eval_target_squares"],
};

/** What a plan names for counts of every class: three scalars for each, `eval_true_positives_0` and so on. */
export const classCounts = "eval_class_counts";

/** What a device may report beside its update, but for what has a number in its name; ranges in SPEC AG8. */
export const metricNames: readonly string[] = [
  ...firstMetricNames,
  ...binaryMetricNames,
  "eval_weight",
  "eval_places",
  "eval_log_loss",
  "eval_numbers",
  "eval_absolute_error",
  "eval_squared_error",
  "eval_target_sum",
  "eval_target_squares",
];

/** What of a plan says which metrics make sense. */
export interface MetricsContext {
  readonly target: PlanTarget;
  readonly loss: string;
}

/**
 * The scalars that a name in a plan stands for; undefined where this version does not know it.
 *
 * @returns a sentence where it is known and the plan's data or loss has nothing of it
 */
export function scalarsOf(
  name: string,
  { target, loss }: MetricsContext,
): readonly string[] | string | undefined {
  const among = amongOf(name);
  if (!metricNames.includes(name) && name !== classCounts && among === undefined) return undefined;
  if (errorSums.has(name) && !distances.includes(loss)) {
    return `"${name}" needs numbers, and one of the losses ${distances.join(", ")}`;
  }
  const needsScores = name === classCounts || name === "eval_log_loss" || among !== undefined;
  if (!needsScores) return [name];
  if (target.kind !== "class" || loss !== "softmax-cross-entropy") {
    return `"${name}" needs classes, and the loss softmax-cross-entropy`;
  }
  const { classes } = target;
  if (among !== undefined && among >= classes) return `"${name}" of ${classes} classes is always all of them`;
  if (name !== classCounts) return [name];
  if (classes > limits.countedClassesMax) {
    return `"${name}" counts at most ${limits.countedClassesMax} classes, the dataset has ${classes}`;
  }
  return Array.from({ length: classes }, (_, each) => countsOf(each)).flat();
}

/**
 * The names under which a round shows what these scalars, and an evaluation by the coordinator, tell
 * of held-out data, without `eval_`: what a target may name.
 */
export function measuredNames(
  scalars: readonly string[],
  { target, loss }: MetricsContext,
): readonly string[] {
  const { among, classCounts, logLoss } = measuresFor(scalars);
  const classes = classCounts && target.kind === "class" ? target.classes : 0;
  const each = Array.from({ length: classes }, (_, index) => index);
  return [
    "loss",
    ...(hasAccuracy(loss) ? ["accuracy"] : []),
    ...(hasAccuracy(loss) && isBinary(target) ? ["precision", "recall", "f1", "average_precision"] : []),
    ...among.map((k) => `top_${k}`),
    ...(logLoss ? ["perplexity"] : []),
    ...(classCounts ? ["macro_f1"] : []),
    ...["precision", "recall", "f1"].flatMap((rate) => each.map((index) => `${rate}_${index}`)),
    ...Object.entries(errorMeasures).flatMap(([rate, parts]) =>
      parts.every((part) => scalars.includes(part)) ? [rate] : [],
    ),
  ];
}

/** Whether less of it is better. */
export function fallsAsItImproves(metric: string): boolean {
  return ["loss", "perplexity", "mae", "rmse"].includes(metric);
}

/** What an evaluation has to measure beside the loss, for these scalars. */
export interface PlannedMeasures {
  /** How often the right class is among so many of the highest scores. */
  readonly among: readonly number[];
  readonly classCounts: boolean;
  /** The sum of -ln of the right class's probability. */
  readonly logLoss: boolean;
}

export function measuresFor(scalars: readonly string[]): PlannedMeasures {
  return {
    among: scalars.flatMap((name) => amongOf(name) ?? []),
    classCounts: scalars.includes(countsOf(0)[0]),
    logLoss: scalars.includes("eval_log_loss"),
  };
}

/** Whether some of these scalars tell what a device's held-out examples are: how often a class was there, or how large numbers were. */
export function tellTargets(scalars: readonly string[]): boolean {
  return scalars.some((name) => targetTotals.some((start) => name.startsWith(start)));
}

/** Of two classes as of many, whose counts have the class's number behind them. */
const targetTotals: readonly string[] = [
  "eval_true_positives",
  "eval_false_positives",
  "eval_false_negatives",
  "eval_target_",
];

const errorSums: ReadonlySet<string> = new Set(Object.values(errorMeasures).flat());
const distances: readonly string[] = ["mean-squared-error", "mean-absolute-error", "huber"];

/** The k of a name such as "eval_top_5_correct". */
function amongOf(name: string): number | undefined {
  const [, among] = /^eval_top_([1-9]\d{0,2})_correct$/.exec(name) ?? [];
  const k = Number(among);
  return k >= 2 && k <= limits.amongMax ? k : undefined;
}

function countsOf(each: number): readonly [string, string, string] {
  return [`eval_true_positives_${each}`, `eval_false_positives_${each}`, `eval_false_negatives_${each}`];
}
