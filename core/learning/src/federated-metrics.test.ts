import assert from "node:assert/strict";
import { test } from "node:test";
import { metricNames, SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import { combineMetrics, validateMetrics } from "./federated-metrics.ts";

test("[AG8] every metric a plan may name is taken within its range", () => {
  for (const name of metricNames) {
    for (const value of [0, 1])
      assert.deepEqual(validateMetrics(metricNames, { [name]: value }), { [name]: value });
    for (const value of [-1, 1e9 * 1e6, Number.NaN, Number.POSITIVE_INFINITY]) {
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
