import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeStatistics, summariseColumns } from "./column-statistics.ts";
import { ExactSums } from "./exact-sums.ts";
import { decodeStatistics, encodeStatistics } from "./statistics-codec.ts";
import { allRows, column, schema } from "./table.fixture.ts";

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const table = schema(
  column("a", { normalisation: "standard", missing: "mean" }),
  column("b", { normalisation: "min-max" }),
);

/** Any finite float32 as a whole number of units of 2^-149; exact, for float64 has room for that. */
function units(value: number): bigint {
  return BigInt(value * 2 ** 149);
}

test("sums of float32 values and of their squares are exact", () => {
  fc.assert(
    fc.property(fc.array(float32, { maxLength: 50 }), (values) => {
      const sums = new ExactSums();
      for (const value of values) sums.add(value);
      const exact = values.map(units);
      assert.equal(
        sums.sum,
        exact.reduce((total, value) => total + value, 0n),
      );
      assert.equal(
        sums.squares,
        exact.reduce((total, value) => total + value * value, 0n),
      );
    }),
  );
});

test("[DS5] statistics are the same bytes whatever the order of rows and however they are spread over devices", () => {
  const rows = fc.array(fc.tuple(float32, float32), { minLength: 30, maxLength: 60 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 10, max: 20 }), (values, cut) => {
      const inputs = Float32Array.from(values.flat());
      const whole = encodeStatistics(summariseColumns(table, inputs, allRows(values.length)));
      const shuffled = allRows(values.length).toReversed();
      const [first, second] = [shuffled.subarray(0, cut), shuffled.subarray(cut)].map((part) =>
        summariseColumns(table, inputs, part),
      );
      assert.ok(first !== undefined && second !== undefined);
      assert.deepEqual(encodeStatistics(mergeStatistics(first, second)), whole);
      assert.deepEqual(encodeStatistics(mergeStatistics(second, first)), whole);
      assert.deepEqual(encodeStatistics(decodeStatistics(whole, table, values.length)), whole);
    }),
  );
});
