/** What the coordinator takes of a metric that devices report, and what it does with it. */
export interface MetricRule {
  /** Values lie from 0 to this; from its negative, where they have a sign. */
  readonly maximum: number;
  readonly isSigned?: true;
  readonly isWhole: boolean;
  /** "sum": added up; "part": a sum that is not shown, but what comes of it; else a mean, weighted so. */
  readonly combine: "sum" | "part" | MeanWeight;
}

/** By what a mean is weighted: the update's weight, or what was measured. */
export type MeanWeight = "update" | "loss" | "places" | "positives";

/**
 * The rule of a metric of the closed list of @selvedge/protocol; undefined for any other name. What is
 * measured of a device's own model has that of what is measured of the common one.
 */
export function metricRule(name: string): MetricRule | undefined {
  return rules.get(name.replace(/^personal_/, "eval_").replace(/_\d{1,3}(?=_correct$|$)/, "_#"));
}

const countMax = 2 ** 31 - 1;
const numbersMax = Number.MAX_SAFE_INTEGER;
const errorMax = 1e30;
/** A square of what errors are where numbers are large, such as prices. */
const lossMax = 1e12;
/** A model's own loss may be negative, such as that of a density. */
const loss = { maximum: lossMax, isWhole: false, isSigned: true } as const;
const sumMax = 1e6 * countMax;
const secondsMax = 30 * 86_400;
const count = { maximum: countMax, isWhole: true } as const;

const rules: ReadonlyMap<string, MetricRule> = new Map<string, MetricRule>([
  ["train_loss", { ...loss, combine: "update" }],
  ["train_accuracy", { maximum: 1, isWhole: false, combine: "update" }],
  ["eval_loss", { ...loss, combine: "loss" }],
  ["eval_accuracy", { maximum: 1, isWhole: false, combine: "places" }],
  ["eval_examples", { ...count, combine: "sum" }],
  ["eval_true_positives", { ...count, combine: "sum" }],
  ["eval_false_positives", { ...count, combine: "sum" }],
  ["eval_false_negatives", { ...count, combine: "sum" }],
  ["eval_average_precision", { maximum: 1, isWhole: false, combine: "positives" }],
  ["examples", { ...count, combine: "sum" }],
  ["seconds", { maximum: secondsMax, isWhole: false, combine: "update" }],
  ["eval_weight", { maximum: sumMax, isWhole: false, combine: "part" }],
  ["eval_places", { maximum: numbersMax, isWhole: true, combine: "part" }],
  ["eval_log_loss", { maximum: sumMax, isWhole: false, combine: "part" }],
  ["eval_numbers", { maximum: numbersMax, isWhole: true, combine: "part" }],
  ["eval_absolute_error", { maximum: errorMax, isWhole: false, combine: "part" }],
  ["eval_squared_error", { maximum: errorMax, isWhole: false, combine: "part" }],
  ["eval_target_sum", { maximum: errorMax, isWhole: false, isSigned: true, combine: "part" }],
  ["eval_target_squares", { maximum: errorMax, isWhole: false, combine: "part" }],
  ["eval_top_#_correct", { maximum: numbersMax, isWhole: true, combine: "part" }],
  ["eval_true_positives_#", { maximum: numbersMax, isWhole: true, combine: "part" }],
  ["eval_false_positives_#", { maximum: numbersMax, isWhole: true, combine: "part" }],
  ["eval_false_negatives_#", { maximum: numbersMax, isWhole: true, combine: "part" }],
]);
