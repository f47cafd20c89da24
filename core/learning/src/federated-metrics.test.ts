import assert from "node:assert/strict";
import { test } from "node:test";
import { metricNames, SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import { centralMetrics, combineMetrics, validateMetrics } from "./federated-metrics.ts";

test("[AG8] every metric a plan may name is taken within its range", () => {
  for (const name of metricNames) {
    for (const value of [0, 1])
      assert.deepEqual(validateMetrics(metricNames, { [name]: value }), { [name]: value });
    for (const value of [-1e40, 1e40, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => validateMetrics(metricNames, { [name]: value }), refusal("out_of_range", name));
    }
  }
  assert.throws(
    () => validateMetrics(metricNames, { eval_accuracy: 1.01 }),
    refusal("out_of_range", "from 0 to 1"),
  );
  assert.throws(
    () => validateMetrics(metricNames, { examples: 1.5 }),
    refusal("out_of_range", "whole number"),
  );
});

test("[AG8] the sums behind a loss and a perplexity end at a million for each example that can be counted", () => {
  const most = 1e6 * (2 ** 31 - 1);
  for (const name of ["eval_weight", "eval_log_loss"]) {
    assert.deepEqual(validateMetrics([name], { [name]: most }), { [name]: most });
    assert.throws(() => validateMetrics([name], { [name]: most + 1 }), refusal("out_of_range", name));
  }
});

test("[EV6] what is of devices' own models is combined as that of the common one is, beside it", () => {
  const common = [
    { eval_loss: 1, eval_accuracy: 0.5, eval_examples: 10, eval_top_2_correct: 8, eval_true_positives_0: 3 },
    { eval_loss: 4, eval_accuracy: 1, eval_examples: 20, eval_top_2_correct: 20, eval_true_positives_0: 4 },
  ];
  const own = common.map((metrics) =>
    Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [name.replace("eval_", "personal_"), value]),
    ),
  );
  const together = combineMetrics(
    common.map((metrics, at) => ({ weight: 1, metrics: { ...metrics, ...own[at] } })),
  );
  const alone = combineMetrics(common.map((metrics) => ({ weight: 1, metrics })));
  assert.deepEqual(alone.eval_top_2, 28 / 30);
  const named = Object.entries(alone).map(([name, value]) => [name.replace("eval_", "personal_"), value]);
  assert.deepEqual(together, { ...alone, ...Object.fromEntries(named) });
  assert.throws(
    () => validateMetrics(["personal_accuracy"], { personal_accuracy: 2 }),
    refusal("out_of_range", ""),
  );
  assert.throws(
    () => validateMetrics(["personal_more"], { personal_more: 0 }),
    refusal("permission_denied", ""),
  );
});

test("[AG8] a loss may be negative, an accuracy may not", () => {
  const losses = { train_loss: -2.5, eval_loss: -3 };
  assert.deepEqual(validateMetrics(metricNames, losses), losses);
  assert.throws(
    () => validateMetrics(metricNames, { eval_accuracy: -0.1 }),
    refusal("out_of_range", "from 0 to 1"),
  );
});

test("[AG8] a metric the plan does not name is refused, on the closed list or not", () => {
  assert.throws(
    () => validateMetrics(["examples"], { seconds: 1 }),
    refusal("permission_denied", '"seconds"'),
  );
  for (const name of ["sample", "__proto__", "constructor"]) {
    const metrics = Object.fromEntries([[name, 1]]);
    assert.throws(() => validateMetrics([name], metrics), refusal("permission_denied", name));
  }
});

test("[AG8] means are weighted by what they were measured on, counts are added", () => {
  const reports = [
    { weight: 10, metrics: { train_loss: 1, eval_accuracy: 0.5, eval_examples: 30, examples: 12 } },
    { weight: 30, metrics: { train_loss: 2, eval_accuracy: 1, eval_examples: 10, examples: 30, seconds: 4 } },
  ];
  assert.deepEqual(combineMetrics(reports), {
    train_loss: 1.75,
    eval_accuracy: 0.625,
    eval_examples: 40,
    examples: 42,
    seconds: 4,
  });
});

test("without eval_examples held-out means fall back on the update's weight; none of nothing", () => {
  const reports = [
    { weight: 1, metrics: { eval_loss: 1 } },
    { weight: 3, metrics: { eval_loss: 2 } },
  ];
  assert.deepEqual(combineMetrics(reports), { eval_loss: 1.75 });
  assert.deepEqual(combineMetrics([]), {});
  assert.deepEqual(combineMetrics([{ weight: 5, metrics: { eval_loss: 0, eval_examples: 0 } }]), {
    eval_examples: 0,
  });
});

test("combined metrics do not depend on the order of reports", () => {
  const report = fc.record({
    weight: fc.integer({ min: 1, max: 1_000 }),
    metrics: fc.record({ train_loss: fc.double({ min: 0, max: 10, noNaN: true }) }),
  });
  fc.assert(
    fc.property(fc.array(report, { maxLength: 12 }), (reports) => {
      assert.deepEqual(combineMetrics(reports.toReversed()), combineMetrics(reports));
    }),
  );
});

function refusal(code: string, text: string): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code && error.message.includes(text);
}

test("[AG9] rates of two classes come from the counts of all devices together", () => {
  const report = (positives: number, falsePositives: number, falseNegatives: number, precision?: number) => ({
    weight: 1,
    metrics: {
      eval_true_positives: positives,
      eval_false_positives: falsePositives,
      eval_false_negatives: falseNegatives,
      ...(precision === undefined ? {} : { eval_average_precision: precision }),
    },
  });
  // The third saw nothing positive, so it has no average precision and no weight in it.
  const combined = combineMetrics([report(3, 0, 1, 1), report(0, 2, 2, 0.25), report(0, 4, 0)]);
  assert.deepEqual(combined, {
    eval_true_positives: 3,
    eval_false_positives: 6,
    eval_false_negatives: 3,
    eval_average_precision: (4 * 1 + 2 * 0.25) / 6,
    eval_precision: 3 / 9,
    eval_recall: 3 / 6,
    eval_f1: 6 / 15,
  });
  assert.deepEqual(combineMetrics([report(0, 0, 0)]).eval_f1, undefined);
});

test("[AG10] what a cohort measured together is what it would be in one place, whoever reports what", () => {
  // Held-out sets of 10, 30 and 5; the last device is of a version that knows none of these.
  const reports = [
    { eval_examples: 10, eval_top_3_correct: 9, eval_log_loss: 8, eval_loss: 0.5, eval_weight: 40 },
    { eval_examples: 30, eval_top_3_correct: 12, eval_log_loss: 22, eval_loss: 1, eval_weight: 10 },
    { eval_examples: 5, eval_loss: 2 },
  ].map((metrics) => ({ weight: 1, metrics }));
  const { eval_top_3, eval_perplexity, eval_loss, ...rest } = combineMetrics(reports);
  assert.equal(eval_top_3, 21 / 40);
  assert.equal(eval_perplexity, Math.exp(30 / 40));
  assert.equal(eval_loss, (0.5 * 40 + 1 * 10 + 2 * 5) / 55);
  assert.deepEqual(rest, { eval_examples: 45 });
  const places = [{ weight: 1, metrics: { eval_examples: 2, eval_places: 100, eval_top_2_correct: 40 } }];
  assert.deepEqual(combineMetrics(places), { eval_examples: 2, eval_top_2: 0.4 });
});

test("[AG10] rates of classes come from added counts; a class that is nowhere is not in the mean", () => {
  const counts = (each: number, tp: number, fp: number, fn: number) => ({
    [`eval_true_positives_${each}`]: tp,
    [`eval_false_positives_${each}`]: fp,
    [`eval_false_negatives_${each}`]: fn,
  });
  const reports = [
    { ...counts(0, 3, 1, 0), ...counts(1, 0, 0, 2), ...counts(2, 0, 0, 0) },
    { ...counts(0, 5, 0, 2), ...counts(1, 4, 2, 0), ...counts(2, 0, 0, 0) },
  ].map((metrics) => ({ weight: 1, metrics }));
  const f1 = [16 / (16 + 1 + 2), 8 / (8 + 2 + 2)] as const;
  assert.deepEqual(combineMetrics(reports), {
    eval_precision_0: 8 / 9,
    eval_recall_0: 8 / 10,
    eval_f1_0: f1[0],
    eval_precision_1: 4 / 6,
    eval_recall_1: 4 / 6,
    eval_f1_1: f1[1],
    eval_macro_f1: (f1[0] + f1[1]) / 2,
  });
});

test("[AG10] errors of numbers and the variance they explain come from sums", () => {
  const pairs = [
    [
      [1, 2],
      [2, 2],
      [3, 5],
    ],
    [[-4, -3]],
  ];
  const sums = (of: readonly (readonly number[])[]) => ({
    eval_numbers: of.length,
    eval_absolute_error: of.reduce((sum, [t = 0, y = 0]) => sum + Math.abs(y - t), 0),
    eval_squared_error: of.reduce((sum, [t = 0, y = 0]) => sum + (y - t) ** 2, 0),
    eval_target_sum: of.reduce((sum, [t = 0]) => sum + t, 0),
    eval_target_squares: of.reduce((sum, [t = 0]) => sum + t * t, 0),
  });
  const { eval_mae, eval_rmse, eval_r2 } = combineMetrics(
    pairs.map((of) => ({ weight: 1, metrics: validateMetrics(metricNames, sums(of)) })),
  );
  assert.deepEqual([eval_mae, eval_rmse, eval_r2], [1, Math.sqrt(6 / 4), 1 - 6 / (30 - 4 / 4)]);
  assert.deepEqual(combineMetrics([{ weight: 1, metrics: { eval_absolute_error: 3 } }]), {});
});

test("what one place measured has the same names without eval_", () => {
  assert.deepEqual(
    centralMetrics({ eval_loss: 1, eval_weight: 4, eval_examples: 4, eval_top_2_correct: 3 }),
    {
      loss: 1,
      examples: 4,
      top_2: 0.75,
    },
  );
});
