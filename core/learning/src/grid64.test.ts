import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { addPartial, addScaled, checkUpdate, gridStep, roundToGrid, updateBound } from "./grid64.ts";

test("roundToGrid gives the nearest multiple of 2^-40, ties to even, never -0", () => {
  const cases: [x: number, steps: number][] = [
    [0, 0],
    [0.49 * gridStep, 0],
    [0.5 * gridStep, 0],
    [0.51 * gridStep, 1],
    [1.5 * gridStep, 2],
    [-0.51 * gridStep, -1],
    [1, 2 ** 40],
    [-2047.75, -2047.75 * 2 ** 40],
    [1 / 3, Math.round(2 ** 40 / 3)],
  ];
  for (const [x, steps] of cases) assert.equal(roundToGrid(x) / gridStep, steps, `${x}`);
  assert.ok(Object.is(roundToGrid(-0.1 * gridStep), 0));
  assert.ok(Object.is(roundToGrid(-0), 0));
});

test("addScaled adds rounded products", () => {
  const sum = Float64Array.of(1, 1);
  addScaled(sum, Float32Array.of(0.5, -0.1), 0.3);
  assert.deepEqual(sum, Float64Array.of(1 + onGrid(0.15), 1 + onGrid(Math.fround(-0.1) * 0.3)));
});

test("[AG3] addScaled takes values up to the bound and restores the sum when it refuses one", () => {
  const largest = updateBound - 2 ** -13;
  const sum = Float64Array.of(roundToGrid(0.1), roundToGrid(-0.7), 3);
  addScaled(sum, Float32Array.of(largest, -largest, 0), 1);
  const before = sum.slice();
  for (const value of [updateBound, -updateBound, Number.NaN, Number.POSITIVE_INFINITY, 3e38]) {
    assert.throws(() => addScaled(sum, Float32Array.of(0.3, -1e-9, value), 0.77), refusal(2));
    assert.deepEqual(sum, before);
  }
  assert.throws(() => addScaled(sum, Float32Array.of(1, 2), 1), SelvedgeError);
  assert.deepEqual(sum, before);
});

test("[AG3] addScaled restores a sum of many blocks, wherever the bad value is", () => {
  const length = 10_000;
  const update = Float32Array.from({ length }, (_, index) => Math.sin(index));
  const sum = new Float64Array(length);
  addScaled(sum, update, 0.5);
  assert.deepEqual(
    sum,
    Float64Array.from(update, (value) => roundToGrid(value * 0.5)),
  );
  const before = sum.slice();
  for (const index of [0, 4_095, 4_096, length - 1]) {
    const bad = update.slice();
    bad[index] = Number.NaN;
    assert.throws(() => addScaled(sum, bad, 0.3), refusal(index));
    assert.deepEqual(sum, before);
  }
});

test("checkUpdate names the first bad value", () => {
  checkUpdate(Float32Array.of(1, -2, 0));
  assert.throws(() => checkUpdate(Float32Array.of(1, Number.NaN, Number.NaN)), refusal(1));
});

test("addPartial takes multiples of 2^-40 up to the bound and nothing else", () => {
  const sum = Float64Array.of(1, 1);
  addPartial(sum, Float64Array.of(2, -gridStep), 2);
  assert.deepEqual(sum, Float64Array.of(3, 1 - gridStep));
  for (const value of [2 + gridStep, gridStep / 2, Number.NaN, Number.NEGATIVE_INFINITY]) {
    assert.throws(() => addPartial(sum, Float64Array.of(1, value), 2), refusal(1));
  }
  assert.deepEqual(sum, Float64Array.of(3, 1 - gridStep));
});

function refusal(index: number): (error: unknown) => boolean {
  return (error) =>
    error instanceof SelvedgeError &&
    error.code === "out_of_range" &&
    error.message.includes(`at index ${index} `);
}

function onGrid(value: number): number {
  return Math.round(value / gridStep) * gridStep;
}
