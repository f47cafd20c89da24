import { SelvedgeError } from "@selvedge/protocol";

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
 * One number per metric for the whole cohort. `examples` and `eval_examples`
 * are added up; what was measured on held-out data is a mean weighted by
 * `eval_examples`, the rest a mean weighted by the update's weight. A metric
 * that no device reported is absent. Does not depend on the order of reports.
 */
export function combineMetrics(reports: readonly MetricsReport[]): Metrics {
  const combined: { [name: string]: number } = {};
  for (const [name, rule] of rules) {
    const terms = reports.flatMap((report) => {
      const value = report.metrics[name];
      if (value === undefined) return [];
      const weight = rule.combine === "sum" ? 1 : weightOf(report, rule.heldOut);
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
  return combined;
}

function weightOf(report: MetricsReport, heldOut: boolean): number {
  return heldOut ? (report.metrics.eval_examples ?? report.weight) : report.weight;
}

interface MetricRule {
  /** Values lie from 0 to this. */
  readonly maximum: number;
  readonly combine: "mean" | "sum";
  /** Measured on the held-out examples. */
  readonly heldOut: boolean;
}

const lossMax = 1e6;
const countMax = 2 ** 31 - 1;
const secondsMax = 30 * 86_400;

/** The closed list: `metricNames` of @selvedge/protocol, with ranges. */
const rules: ReadonlyMap<string, MetricRule> = new Map<string, MetricRule>([
  ["train_loss", { maximum: lossMax, combine: "mean", heldOut: false }],
  ["train_accuracy", { maximum: 1, combine: "mean", heldOut: false }],
  ["eval_loss", { maximum: lossMax, combine: "mean", heldOut: true }],
  ["eval_accuracy", { maximum: 1, combine: "mean", heldOut: true }],
  ["eval_examples", { maximum: countMax, combine: "sum", heldOut: true }],
  ["examples", { maximum: countMax, combine: "sum", heldOut: false }],
  ["seconds", { maximum: secondsMax, combine: "mean", heldOut: false }],
]);
