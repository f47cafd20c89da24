import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addScaled, gridStep, roundToGrid, updateBound } from "./grid64.ts";

const value = fc.float({ min: -2047, max: 2047, noNaN: true });

test("roundToGrid agrees with rounding in integers and is idempotent", () => {
  fc.assert(
    fc.property(value, fc.double({ min: 2 ** -32, max: 1, noNaN: true }), (x, scale) => {
      const rounded = roundToGrid(x * scale);
      assert.ok(Number.isInteger(rounded / gridStep));
      assert.ok(Math.abs(rounded - x * scale) <= gridStep / 2);
      assert.equal(roundToGrid(rounded), rounded);
    }),
  );
});

test("a sum of updates equals the sum of their steps as integers", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), (values) => {
      const scale = 1 / values.length;
      const sum = new Float64Array(1);
      for (const x of values) addScaled(sum, Float32Array.of(x), scale);
      const steps = values.reduce(
        (total, x) => total + BigInt(roundToGrid(Math.fround(x) * scale) / gridStep),
        0n,
      );
      assert.equal(BigInt((sum[0] ?? 0) / gridStep), steps);
      assert.ok(Math.abs(sum[0] ?? 0) < updateBound + values.length * gridStep);
    }),
  );
});
