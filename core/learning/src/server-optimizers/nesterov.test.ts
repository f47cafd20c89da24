import assert from "node:assert/strict";
import { test } from "node:test";
import { serverOptimizerNamed } from "../server-optimizer-catalog.ts";
import { nesterov } from "./nesterov.ts";

test("two steps of the outer Nesterov optimizer are those worked out by hand", () => {
  // Rate 1/2, momentum 1/2. v = 1, w = 0 + (1 + 1/2) / 2 = 0.75; v = 1/2 - 2 = -1.5, w = 0.75 + (-2 - 0.75) / 2.
  const optimizer = nesterov(0.5, 0.5);
  const first = optimizer.update(optimizer.init(1), Float32Array.of(0), Float64Array.of(1));
  assert.deepEqual([...first.parameters], [0.75]);
  const second = optimizer.update(first.state, first.parameters, Float64Array.of(-2));
  assert.deepEqual([...second.parameters], [-0.625]);
  assert.deepEqual(second.state, { step: 2, vectors: { momentum: Float64Array.of(-1.5) } });
});

test("its momentum is 0.9 unless given", () => {
  const optimizer = serverOptimizerNamed("nesterov");
  const { parameters } = optimizer.update(optimizer.init(1), Float32Array.of(0), Float64Array.of(1));
  assert.deepEqual(parameters, Float32Array.of(1.9));
});
