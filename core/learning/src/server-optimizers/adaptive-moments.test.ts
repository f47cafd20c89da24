import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { type ServerOptimizerOptions, serverOptimizerNamed } from "../server-optimizer-catalog.ts";
import { decodeServerOptimizerState, encodeServerOptimizerState } from "../server-optimizer-state-codec.ts";

/** Of one parameter that is 0 at first, after mean updates of 2 and then -1; states go through their codec. */
function twoRounds(name: string, options: ServerOptimizerOptions): readonly [number, number] {
  const optimizer = serverOptimizerNamed(name, options);
  const first = optimizer.update(optimizer.init(1), Float32Array.of(0), Float64Array.of(2));
  const state = decodeServerOptimizerState(encodeServerOptimizerState(first.state));
  const second = optimizer.update(state, first.parameters, Float64Array.of(-1));
  assert.equal(second.state.step, 2);
  return [first.parameters[0] ?? Number.NaN, second.parameters[0] ?? Number.NaN];
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [index, value] of expected.entries())
    assert.ok(Math.abs((actual[index] ?? Number.NaN) - value) < 1e-6, `${actual} is not ${expected}`);
}

test("fedavgm adds up what is left of earlier updates", () => {
  // v = 2, then 0.5 * 2 - 1 = 0.
  assertNear(twoRounds("fedavgm", { learningRate: 0.5, momentum: 0.5 }), [1, 1]);
});

test("fedadagrad divides by the root of all squares", () => {
  // v = 4, then 5; tau = 1.
  const [first, second] = [2 / 3, -1 / (Math.sqrt(5) + 1)];
  assertNear(twoRounds("fedadagrad", { epsilon: 1 }), [first, first + second]);
});

test("fedadam divides a mean of updates by the root of a mean of squares, and corrects no bias", () => {
  // m = 1, 0; v = 3, 0.25 * 3 + 0.75 * 1 = 1.5.
  const options = { learningRate: 0.1, beta1: 0.5, beta2: 0.25, epsilon: 1 };
  const first = (0.1 * 1) / (Math.sqrt(3) + 1);
  assertNear(twoRounds("fedadam", options), [first, first]);
});

test("fedyogi moves the mean of squares by the new square alone, towards it", () => {
  // v = 0 + 0.75 * 4 = 3, then 3 - 0.75 * 1 = 2.25; m = 2, then -1.
  const options = { beta1: 0, beta2: 0.25, epsilon: 0.5 };
  const first = 2 / (Math.sqrt(3) + 0.5);
  assertNear(twoRounds("fedyogi", options), [first, first - 1 / (1.5 + 0.5)]);
});

test("an initial accumulator holds the first steps back", () => {
  const options = { beta1: 0, beta2: 0, epsilon: 1 };
  assertNear(twoRounds("fedadagrad", { ...options, initialAccumulator: 5 }), [
    0.5,
    0.5 - 1 / (Math.sqrt(10) + 1),
  ]);
});

test("lengths that differ, rates that are none, and parameters that overflow are refused", () => {
  for (const name of ["fedavgm", "fedadagrad", "fedadam", "fedyogi"]) {
    const optimizer = serverOptimizerNamed(name);
    const update = (values: number[]) => () =>
      optimizer.update(optimizer.init(1), Float32Array.of(3e38), Float64Array.from(values));
    assert.throws(update([1, 2]), /2 values for 1 parameters/);
    assert.throws(update([Number.POSITIVE_INFINITY]), (error) => {
      return error instanceof SelvedgeError && error.code === "out_of_range";
    });
    assert.throws(() => serverOptimizerNamed(name, { learningRate: 0 }), SelvedgeError);
  }
});
