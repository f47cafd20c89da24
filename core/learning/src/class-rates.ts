import { type BinaryCounts, binaryRates } from "./binary-metrics.ts";

type Metrics = { readonly [name: string]: number };

/**
 * Precision, recall and F1 of each class from the counts that devices reported of it, added up, and
 * their mean over the classes that there were or that were predicted (`eval_macro_f1`). A rate that
 * would divide by 0 is absent.
 *
 * @param reports `eval_true_positives_0` and so on; the counts of a class that are not all there are left out
 */
export function classRates(reports: readonly Metrics[]): Metrics {
  const rates: { [name: string]: number } = {};
  const f1s: number[] = [];
  for (const [each, counts] of sumsOfClasses(reports).entries()) {
    const { precision, recall, f1 } = binaryRates(counts);
    if (precision !== undefined) rates[`eval_precision_${each}`] = precision;
    if (recall !== undefined) rates[`eval_recall_${each}`] = recall;
    if (f1 === undefined) continue;
    rates[`eval_f1_${each}`] = f1;
    f1s.push(f1);
  }
  if (f1s.length > 0) rates.eval_macro_f1 = f1s.reduce((sum, f1) => sum + f1, 0) / f1s.length;
  return rates;
}

function sumsOfClasses(reports: readonly Metrics[]): readonly BinaryCounts[] {
  const sums: BinaryCounts[] = [];
  for (const report of reports) {
    for (let each = 0; ; each += 1) {
      const [truePositives, falsePositives, falseNegatives] = names.map((name) => report[`${name}_${each}`]);
      if (truePositives === undefined || falsePositives === undefined || falseNegatives === undefined) break;
      const sum = sums[each] ?? none;
      sums[each] = {
        truePositives: sum.truePositives + truePositives,
        falsePositives: sum.falsePositives + falsePositives,
        falseNegatives: sum.falseNegatives + falseNegatives,
      };
    }
  }
  return sums;
}

const names = ["eval_true_positives", "eval_false_positives", "eval_false_negatives"];
const none: BinaryCounts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
