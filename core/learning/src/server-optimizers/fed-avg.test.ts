import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { serverOptimizerNamed } from "../server-optimizer-catalog.ts";
import { fedAvg } from "./fed-avg.ts";

test("fedavg moves the base by the learning rate times the mean update, rounded once", () => {
  const base = Float32Array.of(1, 0.1);
  const mean = Float64Array.of(0.25, 1e-9);
  const { parameters, state } = fedAvg(0.5).update({ step: 3, vectors: {} }, base, mean);
  assert.deepEqual(parameters, Float32Array.of(1.125, Math.fround(0.1) + 5e-10));
  assert.deepEqual(state, { step: 4, vectors: {} });
  assert.deepEqual(base, Float32Array.of(1, 0.1));
});

test("fedavg refuses vectors of different lengths and parameters that overflow", () => {
  const optimizer = fedAvg(1);
  const state = optimizer.init(1);
  assert.throws(
    () => optimizer.update(state, new Float32Array(2), new Float64Array(1)),
    /1 values for 2 parameters/,
  );
  for (const value of [1e39, Number.NaN]) {
    assert.throws(
      () => optimizer.update(state, Float32Array.of(0, 0), Float64Array.of(0, value)),
      (error) =>
        error instanceof SelvedgeError && error.code === "out_of_range" && /parameter 1/.test(error.message),
    );
  }
});

test("a learning rate must be positive and finite; it is 1 unless given", () => {
  for (const learningRate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => serverOptimizerNamed("fedavg", { learningRate }), SelvedgeError);
  }
  const optimizer = serverOptimizerNamed("fedavg");
  const { parameters } = optimizer.update(optimizer.init(1), Float32Array.of(1), Float64Array.of(2));
  assert.deepEqual(parameters, Float32Array.of(3));
});

test("an unknown server optimizer is refused with the list of known ones", () => {
  assert.throws(
    () => serverOptimizerNamed("lion"),
    (error) => error instanceof SelvedgeError && error.code === "not_found" && /fedavg/.test(error.fix ?? ""),
  );
});
