import assert from "node:assert/strict";
import { test } from "node:test";
import { broadcast, productOf, quotientOf } from "./shape.ts";

test("shapes broadcast as in ONNX, names only with themselves and with 1", () => {
  assert.deepEqual(broadcast([2, 1, 3], [4, 1]), [2, 4, 3]);
  assert.deepEqual(broadcast(["batch", 3], [3]), ["batch", 3]);
  assert.deepEqual(broadcast(["batch", 1], ["batch", 3]), ["batch", 3]);
  assert.deepEqual(broadcast([], [2]), [2]);
  assert.equal(broadcast([2], [3]), undefined);
  assert.equal(broadcast(["n"], ["m"]), undefined);
  assert.equal(broadcast(["n"], [3]), undefined);
});

test("products of named sizes have one name, whatever their order", () => {
  assert.equal(productOf([2, "n", 3, "m"]), "6*m*n");
  assert.equal(productOf(["m", 6, "n"]), "6*m*n");
  assert.equal(productOf(["n"]), "n");
  assert.equal(productOf([2, 3]), 6);
  assert.equal(productOf([]), 1);
  assert.equal(productOf([0, "n"]), 0);
});

test("quotients are known where everything divides out", () => {
  assert.equal(quotientOf(["n", 6], [3]), "2*n");
  assert.equal(quotientOf(["6*m*n"], ["m", 2]), "3*n");
  assert.equal(quotientOf([2, 6], [3, 4]), 1);
  assert.equal(quotientOf(["n", 6], [4]), undefined);
  assert.equal(quotientOf([6], ["n"]), undefined);
  assert.equal(quotientOf([6], [0]), undefined);
});
