import { SelvedgeError } from "@selvedge/protocol";
import { binaryRates } from "./binary-metrics.ts";
import { classRates } from "./class-rates.ts";
import { type MeanWeight, metricRule } from "./metric-rules.ts";

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
    const rule = metricRule(name);
    if (rule === undefined || !allowed.includes(name)) {
      throw new SelvedgeError("permission_denied", `metric "${name.slice(0, 64)}" is not in the plan`, {
        at: "metrics",
        fix: `report only: ${allowed.join(", ")}`,
      });
    }
    const minimum = rule.isSigned ? -rule.maximum : 0;
    if (value >= minimum && value <= rule.maximum && (!rule.isWhole || Number.isInteger(value))) continue;
    const kind = `${rule.isWhole ? "whole number" : "number"} from ${minimum} to ${rule.maximum}`;
    throw new SelvedgeError("out_of_range", `${name} is ${value}, not a ${kind}`, {
      at: `metrics: ${name}`,
    });
  }
  return metrics;
}

/**
 * What is known of a whole cohort. Counts are added up. What was measured on held-out data is what
 * it would be had all examples been in one place: `eval_loss` and `eval_accuracy` are means
 * weighted by what they are means over (`eval_weight` and `eval_places`, else `eval_examples`), and of
 * sums over those who reported them come `eval_top_5`, `eval_perplexity`, and the rates of classes. Average
 * precision is a mean weighted by the positive examples behind it, the rest one weighted by the update's
 * weight. What no device reported is absent. What is of devices' own models (`personal_loss`) is combined as
 * that of the common one (`eval_loss`) is. Does not depend on the order of reports.
 */
export function combineMetrics(reports: readonly MetricsReport[]): Metrics {
  const common = reports.map((report) => withNames(report, (name) => !isPersonal(name)));
  const personal = reports.map((report) => withNames(report, isPersonal, asCommon));
  const ofPersonal = Object.entries(combineCommon(personal));
  return {
    ...combineCommon(common),
    ...Object.fromEntries(ofPersonal.map(([name, value]) => [name.replace(/^eval_/, "personal_"), value])),
  };
}

function isPersonal(name: string): boolean {
  return name.startsWith("personal_");
}

function asCommon(name: string): string {
  return name.replace(/^personal_/, "eval_");
}

function withNames(
  { metrics, weight }: MetricsReport,
  isWanted: (name: string) => boolean,
  rename: (name: string) => string = (name) => name,
): MetricsReport {
  const wanted = Object.entries(metrics).filter(([name]) => isWanted(name));
  return { weight, metrics: Object.fromEntries(wanted.map(([name, value]) => [rename(name), value])) };
}

function combineCommon(reports: readonly MetricsReport[]): Metrics {
  const combined: { [name: string]: number } = {};
  for (const name of new Set(reports.flatMap(({ metrics }) => Object.keys(metrics)))) {
    const combine = metricRule(name)?.combine ?? "part";
    if (combine === "part") continue;
    const value = combine === "sum" ? sumOf(reports, name) : meanOf(reports, name, combine);
    if (value !== undefined) combined[name] = value;
  }
  return {
    ...combined,
    ...ratesOf(combined),
    ...sharesOf(reports),
    ...errorsOf(reports),
    ...classRates(reports.map(({ metrics }) => metrics)),
  };
}

/** What was measured in one place, under the names of `combineMetrics` without `eval_`. */
export function centralMetrics(measured: Metrics): Metrics {
  const combined = Object.entries(combineMetrics([{ weight: 1, metrics: measured }]));
  return Object.fromEntries(combined.map(([name, value]) => [name.replace(/^eval_/, ""), value]));
}

function sumOf(reports: readonly MetricsReport[], name: string): number {
  return sum(reports.map(({ metrics }) => metrics[name] ?? 0));
}

function meanOf(reports: readonly MetricsReport[], name: string, by: MeanWeight): number | undefined {
  const terms = reports.flatMap((report) => {
    const value = report.metrics[name];
    return value === undefined ? [] : [{ value, weight: weights[by](report) }];
  });
  const weight = sum(terms.map((term) => term.weight));
  return weight === 0 ? undefined : sum(terms.map((term) => term.value * term.weight)) / weight;
}

/** What a sum is for each place that it is over, of the devices that reported it. */
function shareOf(reports: readonly MetricsReport[], name: string): number | undefined {
  const reporters = reports.filter(({ metrics }) => metrics[name] !== undefined);
  const places = sum(reporters.map(weights.places));
  return places === 0 ? undefined : sumOf(reporters, name) / places;
}

/** In ascending order, so that the arrival order of reports cannot change the rounding. */
function sum(terms: readonly number[]): number {
  return terms.toSorted((a, b) => a - b).reduce((total, term) => total + term, 0);
}

function sharesOf(reports: readonly MetricsReport[]): Metrics {
  const names = new Set(reports.flatMap(({ metrics }) => Object.keys(metrics)));
  const tops = [...names].flatMap((name) => {
    const [, top] = /^(eval_top_\d+)_correct$/.exec(name) ?? [];
    const share = top === undefined ? undefined : shareOf(reports, name);
    return top === undefined || share === undefined ? [] : [[top, share] as const];
  });
  const perplexity = Math.exp(shareOf(reports, "eval_log_loss") ?? Number.NaN);
  return {
    ...Object.fromEntries(tops),
    ...(Number.isFinite(perplexity) && { eval_perplexity: perplexity }),
  };
}

/** Errors of numbers, and the share of their variance that is explained. */
function errorsOf(reports: readonly MetricsReport[]): Metrics {
  const mae = ratio(totals(reports, "eval_absolute_error", "eval_numbers"));
  const mse = ratio(totals(reports, "eval_squared_error", "eval_numbers"));
  const r2 = explained(
    totals(reports, "eval_squared_error", "eval_numbers", "eval_target_sum", "eval_target_squares"),
  );
  return {
    ...(mae !== undefined && { eval_mae: mae }),
    ...(mse !== undefined && { eval_rmse: Math.sqrt(mse) }),
    ...(r2 !== undefined && { eval_r2: r2 }),
  };
}

/** Sums over those devices that reported all of it. */
function totals(reports: readonly MetricsReport[], ...names: readonly string[]): readonly number[] {
  const reporters = reports.filter(({ metrics }) => names.every((name) => metrics[name] !== undefined));
  return names.map((name) => sumOf(reporters, name));
}

function ratio([part = 0, whole = 0]: readonly number[]): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

/** 1 - Σ(y - t)² / Σ(t - mean t)²; undefined where the targets do not vary. */
function explained([squared = 0, numbers = 0, sum = 0, squares = 0]: readonly number[]): number | undefined {
  const spread = numbers === 0 ? 0 : squares - sum ** 2 / numbers;
  return spread > 0 ? 1 - squared / spread : undefined;
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
  loss: ({ metrics, weight }: MetricsReport): number =>
    metrics.eval_weight ?? metrics.eval_examples ?? weight,
  places: ({ metrics, weight }: MetricsReport): number =>
    metrics.eval_places ?? metrics.eval_examples ?? weight,
  positives: ({ metrics }: MetricsReport): number =>
    (metrics.eval_true_positives ?? 0) + (metrics.eval_false_negatives ?? 0),
} as const satisfies Readonly<Record<MeanWeight, (report: MetricsReport) => number>>;
