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
      node("LayerNormalization", ["m", "val_5", "norm.bias"], "n"),
      node("Add", ["n", "onnx::Add_3"], "y"),
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
      floats("val_5", [3], [1, 1, 1]),
      floats("norm.bias", [3], [0, 0, 0]),
      floats("onnx::Add_3", [3], [1, 2, 3]),
    ],
  });
  assert.deepEqual(Object.fromEntries(constantTensors(model)), {
    val_2: "the exporter computed it",
    cos: "the exporter computed it",
    mask: "it is a mask",
    scales: "it sets how an operator works",
    val_5: "the exporter computed it",
    "onnx::Add_3": "the exporter computed it",
  });
});

test("what scales and shifts a group normalization that is written out is a weight, its ones and zeros are none", () => {
  const model = modelOf({
    nodes: [
      node("Reshape", ["x", "shape"], "grouped"),
      node("InstanceNormalization", ["grouped", "val_9", "val_12"], "normal"),
      node("Reshape", ["normal", "shape"], "apart"),
      node("Mul", ["apart", "val_22"], "scaled"),
      node("Add", ["scaled", "val_24"], "shifted"),
      node("Mul", ["shifted", "val_30"], "y"),
    ],
    initializers: [
      ...["val_9", "val_12"].map((name) => floats(name, [1], [1])),
      ...["val_22", "val_24", "val_30"].map((name) => floats(name, [4, 1, 1], [1, 1, 1, 1])),
    ],
  });
  assert.deepEqual([...constantTensors(model).keys()], ["val_9", "val_12", "val_30"]);
});

test("a weight that only a branch reads is a weight", () => {
  const taken = branch("then_branch", [node("MatMul", ["x", "val_1"], "h")], "h");
  const model = modelOf({
    nodes: [{ ...node("If", ["is_flat"], "y"), attribute: [taken] }],
    initializers: [floats("val_1", [6, 3], Array(18).fill(1))],
  });
  assert.equal(constantTensors(model).size, 0);
});
