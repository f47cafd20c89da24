import assert from "node:assert/strict";
import { test } from "node:test";
import { constantTensors } from "./constant-tensors.ts";
import { branch, floats, modelOf, node } from "./models.fixture.ts";

test("what an exporter computed is a constant, but for the weights that it transposed", () => {
  const model = modelOf({
    nodes: [
      node("MatMul", ["x", "val_1"], "h"),
      node("MatMul", ["h", "onnx::MatMul_7"], "i"),
      node("Mul", ["i", "val_2"], "j"),
      node("Mul", ["j", "cos"], "rotated"),
      node("MatMul", ["rotated", "div_1"], "normal"),
      node("Mul", ["normal", "temperature"], "k"),
      node("Add", ["k", "mask"], "l"),
      node("Add", ["l", "bias"], "z"),
      node("Resize", ["z", "", "scales"], "m"),
      node("Add", ["m", "onnx::Add_3"], "y"),
    ],
    initializers: [
      floats("val_1", [6, 3], Array(18).fill(1)),
      floats("onnx::MatMul_7", [3, 3], Array(9).fill(1)),
      floats("val_2", [1], [0.5]),
      floats("cos", [3], [1, 0.5, 0.2]),
      floats("div_1", [3, 3], Array(9).fill(1)),
      floats("temperature", [1], [0.5]),
      floats("mask", [1, 3], [0, 0, Number.NEGATIVE_INFINITY]),
      floats("bias", [3], [0, 0, Number.NEGATIVE_INFINITY]),
      floats("scales", [2], [1, 1]),
      floats("onnx::Add_3", [3], [1, 2, 3]),
    ],
  });
  assert.deepEqual(Object.fromEntries(constantTensors(model)), {
    val_2: "the exporter computed it",
    cos: "the exporter computed it",
    mask: "it is a mask",
    scales: "it sets how an operator works",
    "onnx::Add_3": "the exporter computed it",
  });
});

test("a weight that only a branch reads is a weight", () => {
  const taken = branch("then_branch", [node("MatMul", ["x", "val_1"], "h")], "h");
  const model = modelOf({
    nodes: [{ ...node("If", ["is_flat"], "y"), attribute: [taken] }],
    initializers: [floats("val_1", [6, 3], Array(18).fill(1))],
  });
  assert.equal(constantTensors(model).size, 0);
});
