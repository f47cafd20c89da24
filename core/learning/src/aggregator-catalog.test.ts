import assert from "node:assert/strict";
import { test } from "node:test";
import { plannedAggregators, plannedBlocks, SelvedgeError } from "@selvedge/protocol";
import { aggregatorOf } from "./aggregator-catalog.ts";
import { openSumRound } from "./aggregators/aggregator.ts";

test("every aggregator and every block that a plan may name is there", () => {
  for (const name of plannedAggregators) assert.equal(aggregatorOf({ name }).name, name);
  for (const block of Object.keys(plannedBlocks)) {
    const spec = { name: "sum", blocks: [{ name: block, fraction: 0.5, bits: 8 }] };
    assert.equal(aggregatorOf(spec).name, block);
  }
});

test("blocks nest in their order, with their options, and those that are not given are TFF's", () => {
  const blocks = [{ name: "zeroing" }, { name: "clipping", bound: 3 }, { name: "quantisation", bits: 4 }];
  const stack = aggregatorOf({ name: "weighted-mean", blocks });
  assert.deepEqual(stack.bits, ["zeroing.zeroed", "zeroing.within", "clipping.within"]);
  assert.equal(stack.format, "packed");
  assert.deepEqual(stack.initialState(), {
    zeroing: { estimate: 10 },
    inner: { clipping: { bound: 3 }, inner: { quantisation: {}, inner: {} } },
  });
});

test("a robust rule is the mean on the device, and reports what was combined", () => {
  const rule = aggregatorOf({ name: "krum" });
  const config = rule.prepare(rule.initialState(), { cohort: 5, maxExamplesPerDevice: 10, parameters: 2 });
  const values = Float32Array.of(1, 2);
  const random = { uniform: () => 0, normal: () => 0 };
  assert.equal(rule.weigh(config, 99), 10);
  assert.deepEqual(rule.encode(config, { form: "vector", values }, random), { body: values, bits: [] });
  const round = openSumRound(config, 0);
  const parts = { baseVersion: 0, contributors: ["a", "b"], weight: 2, sum: Float64Array.of(1, 2) };
  const combined = { ...parts, format: "combined", configDigest: round.configDigest } as const;
  const measurements = { selected: 1, leftOut: 1 };
  assert.deepEqual(rule.report(round, { ...combined, measurements }), { result: parts.sum, measurements });
  assert.throws(() => rule.report(round, { ...combined, format: "grid64" }), /krum is no sum/);
  assert.throws(() => rule.zero(round), /krum is no sum/);
});

test("what packs an update does not fit around a robust rule, and what bounds it does", () => {
  const median = (name: string) =>
    aggregatorOf({ name: "median", blocks: [{ name, fraction: 0.5, bits: 8 }] });
  for (const name of ["sampling", "quantisation"]) {
    assert.throws(() => median(name), /which "median" does not take/);
  }
  for (const name of ["zeroing", "clipping"]) assert.equal(median(name).format, "f32");
});

test("an unknown name is refused with the names there are", () => {
  for (const spec of [{ name: "product" }, { name: "sum", blocks: [{ name: "blur" }] }]) {
    assert.throws(
      () => aggregatorOf(spec),
      (error) =>
        error instanceof SelvedgeError &&
        error.code === "not_found" &&
        /sum, median|zeroing/.test(error.fix ?? ""),
    );
  }
});
