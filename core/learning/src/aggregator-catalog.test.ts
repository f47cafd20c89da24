import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { aggregatorNamed, aggregatorNames } from "./aggregator-catalog.ts";
import { openSumRound } from "./aggregators/aggregator.ts";

test("every name on the list is an aggregator of that name", () => {
  for (const name of aggregatorNames) assert.equal(aggregatorNamed(name).name, name);
});

test("of a robust rule there is the device's half alone", () => {
  const rule = aggregatorNamed("krum");
  const config = rule.prepare(rule.initialState(), { cohort: 5, maxExamplesPerDevice: 10, parameters: 2 });
  const values = Float32Array.of(1, 2);
  const random = { uniform: () => 0, normal: () => 0 };
  assert.equal(rule.weigh(config, 99), 10);
  assert.deepEqual(rule.encode(config, { form: "vector", values }, random), { body: values, bits: [] });
  assert.throws(() => rule.zero(openSumRound(config, 0)), /krum is no sum/);
});

test("an unknown name is refused with the list of known ones", () => {
  assert.throws(
    () => aggregatorNamed("product"),
    (error) =>
      error instanceof SelvedgeError &&
      error.code === "not_found" &&
      /weighted-mean, unweighted-mean, sum, median/.test(error.fix ?? ""),
  );
});
