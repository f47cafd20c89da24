import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { ClientUpdate } from "../accumulator.ts";
import { openSumRound } from "./aggregator.ts";
import { weightedMean } from "./weighted-mean.ts";

const config = weightedMean.prepare({}, { cohort: 3, maxExamplesPerDevice: 100, parameters: 2 });
const round = openSumRound(config, 1);

test("prepare announces the cap and the capped total", () => {
  assert.deepEqual(config, { weightCap: 100, normaliser: 300, parameters: 2 });
});

test("prepare refuses a total that would make the grid too coarse, with advice", () => {
  const context = { cohort: 10, maxExamplesPerDevice: 2 ** 31 - 1, parameters: 2 };
  assert.throws(
    () => weightedMean.prepare({}, context),
    (error) =>
      error instanceof SelvedgeError &&
      error.message.includes(String(limits.normaliserMax)) &&
      (error.fix ?? "").includes("max_examples_per_device"),
  );
});

test("prepare refuses a cohort, cap or size that is no positive integer", () => {
  const context = { cohort: 3, maxExamplesPerDevice: 100, parameters: 2 };
  for (const field of ["cohort", "maxExamplesPerDevice", "parameters"]) {
    for (const value of [0, 1.5, Number.NaN]) {
      assert.throws(() => weightedMean.prepare({}, { ...context, [field]: value }), SelvedgeError);
    }
  }
});

test("parseConfig refuses fields of another type or that do not fit together", () => {
  for (const change of [
    { weightCap: "100" },
    { normaliser: 301 },
    { parameters: -1 },
    { normaliser: 2 ** 40 },
  ]) {
    assert.throws(() => weightedMean.parseConfig({ ...config, ...change }), SelvedgeError);
  }
});

test("the mean is weighted by examples, capped, and does not need the whole cohort", () => {
  const sum = weightedMean.accumulate(
    round,
    weightedMean.accumulate(round, weightedMean.zero(round), update("a", 250, [1, -2])),
    update("b", 25, [6, 0.5]),
  );
  assert.equal(sum.weight, 125);
  const { result, measurements } = weightedMean.report(round, sum);
  closeTo(result[0], (100 * 1 + 25 * 6) / 125, 1e-11);
  closeTo(result[1], (100 * -2 + 25 * 0.5) / 125, 1e-11);
  assert.deepEqual(measurements, { weight: 125, contributors: 2, resolution: 2 ** -40 * (300 / 125) });
  assert.deepEqual(weightedMean.next({}, sum), {});
});

test("encode hands on the update, and refuses one of another length", () => {
  const encode = (values: Float32Array) =>
    weightedMean.encode(config, { form: "vector", values }, SeededRandom.fromSeed(0));
  const values = Float32Array.of(1, 2);
  assert.equal(encode(values).body, values);
  assert.throws(
    () => encode(new Float32Array(3)),
    (error) => error instanceof SelvedgeError && error.message.includes("3 values, the offer says 2"),
  );
});

function update(contributor: string, examples: number, values: number[]): ClientUpdate {
  return {
    format: "f32",
    contributors: [contributor],
    configDigest: round.configDigest,
    baseVersion: 1,
    weight: weightedMean.weigh(config, examples),
    values: Float32Array.from(values),
  };
}

function closeTo(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not ${expected}`);
}
