import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { averagePrecision, binaryRates, countBinary } from "./binary-metrics.ts";

const of = (...values: number[]): Float32Array => Float32Array.of(...values);
const labels = (...values: number[]): Int32Array => Int32Array.of(...values);

test("[AG9] positives and negatives are counted by the sign of the margin, 0 being negative", () => {
  const counts = countBinary(of(2, -1, 0, 0.5, -3), labels(1, 1, 1, 0, 0));
  assert.deepEqual(counts, { truePositives: 1, falsePositives: 1, falseNegatives: 2 });
  assert.deepEqual(binaryRates(counts), { precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 });
});

test("[AG9] a rate that would divide by 0 is absent", () => {
  const none = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
  assert.deepEqual(binaryRates(none), { precision: undefined, recall: undefined, f1: undefined });
  assert.equal(averagePrecision(of(1, 2), labels(0, 0)), undefined);
});

test("average precision is that of scikit-learn's documentation", () => {
  const given = averagePrecision(of(0.1, 0.4, 0.35, 0.8), labels(0, 0, 1, 1));
  assert.ok(Math.abs((given ?? 0) - 0.8333333333333333) < 1e-15);
});

test("average precision: a perfect order is 1, equal margins are the share of positives", () => {
  assert.equal(averagePrecision(of(3, 2, 1), labels(1, 1, 0)), 1);
  assert.equal(averagePrecision(of(5, 5, 5, 5), labels(1, 0, 0, 0)), 0.25);
});

test("average precision depends on the order of margins alone, not on that of examples", () => {
  const examples = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 1 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(examples, (list) => {
      const measure = (pairs: readonly [number, number][], scale: number): number | undefined =>
        averagePrecision(
          Float32Array.from(pairs, ([margin]) => margin * scale),
          Int32Array.from(pairs, ([, label]) => label),
        );
      const value = measure(list, 1);
      assert.equal(measure(list.toReversed(), 3), value);
      if (value !== undefined) assert.ok(value > 0 && value <= 1);
    }),
  );
});
