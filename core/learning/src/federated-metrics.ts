import { SelvedgeError } from "@selvedge/protocol";
import { binaryRates } from "./binary-metrics.ts";

/** Scalars by name, as a device reports them. */
export type Metrics = { readonly [name: string]: number };

/** What one device reported, and the weight of its update: its examples, capped. */
export interface MetricsReport {
  readonly weight: number;
  readonly metrics: Metrics;
}

/**
 * Takes a device's metrics only if the plan names each one, it is on the
 * closed list, and its value is in range: few, bounded numbers leave a device.
 *
 * @throws SelvedgeError `permission_denied` for a name that is not allowed,
 *   `out_of_range` for a value out of range
 */
export function validateMetrics(allowed: readonly string[], metrics: Metrics): Metrics {
  for (const [name, value] of Object.entries(metrics)) {
    const rule = rules.get(name);
    if (rule === undefined || !allowed.includes(name)) {
      throw new SelvedgeError("permission_denied", `metric "${name.slice(0, 64)}" is not in the plan`, {
        at: "metrics",
        fix: `report only: ${allowed.join(", ")}`,
      });
    }
    const whole = rule.combine === "mean" || Number.isInteger(value);
    if (!(value >= 0 && value <= rule.maximum) || !whole) {
      const kind = rule.combine === "mean" ? "number" : "whole number";
      throw new SelvedgeError(
        "out_of_range",
        `${name} is ${value}, not a ${kind} from 0 to ${rule.maximum}`,
        {
          at: `metrics: ${name}`,
        },
      );
    }
  }
  return metrics;
}

/**
 * One number per metric for the whole cohort. Counts are added up; what was
 * measured on held-out data is a mean weighted by `eval_examples`, average
 * precision one weighted by the positive examples behind it, the rest a mean
 * weighted by the update's weight. A metric that no device reported is absent.
 * From the summed counts of two classes come `eval_precision`, `eval_recall` and
 * `eval_f1`, those of all held-out examples together. Does not depend on the
 * order of reports.
 */
export function combineMetrics(reports: readonly MetricsReport[]): Metrics {
  const combined: { [name: string]: number } = {};
  for (const [name, rule] of rules) {
    const terms = reports.flatMap((report) => {
      const value = report.metrics[name];
      if (value === undefined) return [];
      const weight = rule.combine === "sum" ? 1 : weights[rule.weight](report);
      return [{ product: value * weight, weight }];
    });
    const weight = terms.reduce((sum, term) => sum + term.weight, 0);
    if (weight === 0) continue;
    // Ascending, so that the arrival order of reports cannot change the rounding.
    const total = terms
      .map((term) => term.product)
      .sort((a, b) => a - b)
      .reduce((sum, product) => sum + product, 0);
    combined[name] = rule.combine === "sum" ? total : total / weight;
  }
  return { ...combined, ...ratesOf(combined) };
}

function ratesOf(combined: Metrics): Metrics {
  const { eval_true_positives, eval_false_positives, eval_false_negatives } = combined;
  if (
    eval_true_positives === undefined ||
    eval_false_positives === undefined ||
    eval_false_negatives === undefined
  ) {
    return {};
  }
  const { precision, recall, f1 } = binaryRates({
    truePositives: eval_true_positives,
    falsePositives: eval_false_positives,
    falseNegatives: eval_false_negatives,
  });
  return {
    ...(precision !== undefined && { eval_precision: precision }),
    ...(recall !== undefined && { eval_recall: recall }),
    ...(f1 !== undefined && { eval_f1: f1 }),
  };
}

/** How much a device's value counts in a mean. */
const weights = {
  update: ({ weight }: MetricsReport): number => weight,
  heldOut: ({ metrics, weight }: MetricsReport): number => metrics.eval_examples ?? weight,
  positives: ({ metrics }: MetricsReport): number =>
    (metrics.eval_true_positives ?? 0) + (metrics.eval_false_negatives ?? 0),
} as const;

interface MetricRule {
  /** Values lie from 0 to this. */
  readonly maximum: number;
  readonly combine: "mean" | "sum";
  readonly weight: keyof typeof weights;
}

const lossMax = 1e6;
const countMax = 2 ** 31 - 1;
const secondsMax = 30 * 86_400;

/** The closed list: `metricNames` of @selvedge/protocol, with ranges. */
const rules: ReadonlyMap<string, MetricRule> = new Map<string, MetricRule>([
  ["train_loss", { maximum: lossMax, combine: "mean", weight: "update" }],
  ["train_accuracy", { maximum: 1, combine: "mean", weight: "update" }],
  ["eval_loss", { maximum: lossMax, combine: "mean", weight: "heldOut" }],
  ["eval_accuracy", { maximum: 1, combine: "mean", weight: "heldOut" }],
  ["eval_examples", { maximum: countMax, combine: "sum", weight: "heldOut" }],
  ["eval_true_positives", { maximum: countMax, combine: "sum", weight: "heldOut" }],
  ["eval_false_positives", { maximum: countMax, combine: "sum", weight: "heldOut" }],
  ["eval_false_negatives", { maximum: countMax, combine: "sum", weight: "heldOut" }],
  ["eval_average_precision", { maximum: 1, combine: "mean", weight: "positives" }],
  ["examples", { maximum: countMax, combine: "sum", weight: "update" }],
  ["seconds", { maximum: secondsMax, combine: "mean", weight: "update" }],
]);
