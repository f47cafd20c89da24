import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluationGraph } from "./evaluation-graph.ts";
import type { Loss } from "./losses.ts";
import { type OnnxModel, parseModel } from "./model.ts";
import { floats, integers, modelOf, node, value } from "./models.fixture.ts";

const weight = floats("w", [6, 3], Array(18).fill(0.5));
const column = floats("w", [6, 1], Array(6).fill(0.5));

test("of a model that gives the probabilities of classes what it makes them of is trained", () => {
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "z"), node("Softmax", ["z"], "p"), node("Identity", ["p"], "y")],
    initializers: [weight],
  });
  assert.ok(!operatorsOf(model, { name: "softmax-cross-entropy" }).includes("Softmax"));
  assert.ok(operatorsOf(model, { name: "mean-squared-error" }).includes("Softmax"));
});

test("probabilities along another axis than that of the classes are scores like others", () => {
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "z"), node("Softmax", ["z"], "y", { axis: ["int", 0] })],
    initializers: [weight],
  });
  assert.ok(operatorsOf(model, { name: "softmax-cross-entropy" }).includes("Softmax"));
});

test("of a model that gives a probability of yes its odds are trained", () => {
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "z"), node("Sigmoid", ["z"], "y")],
    initializers: [column],
  });
  assert.ok(!operatorsOf(model, { name: "binary-cross-entropy" }).includes("Sigmoid"));
  assert.ok(operatorsOf(model, { name: "mean-squared-error" }).includes("Sigmoid"));
});

test("of a model that gives a label beside the probabilities of no and yes the odds are trained", () => {
  const model = modelOf({
    nodes: [
      node("MatMul", ["x", "w"], "z"),
      node("Sigmoid", ["z"], "yes"),
      node("Sub", ["one", "yes"], "no"),
      node("Concat", ["no", "yes"], "y", { axis: ["int", 1] }),
      node("ArgMax", ["y"], "place", { axis: ["int", 1] }),
      { ...node("ArrayFeatureExtractor", ["classes", "place"], "label"), domain: "ai.onnx.ml" },
    ],
    initializers: [column, { ...floats("one", [1], [1]), dims: [] }, integers("classes", [3, 5])],
    outputs: [value("label", ["batch"], "int64"), value("y", ["batch", 2])],
  });
  assert.ok(!operatorsOf(model, { name: "softmax-cross-entropy" }).includes("Sigmoid"));
});

function operatorsOf(model: OnnxModel, loss: Loss): readonly string[] {
  const { bytes } = evaluationGraph(model, { loss, inputType: "float32", scale: 1 });
  const loop = parseModel(bytes).graph?.node.find(({ opType }) => opType === "Loop");
  const body = loop?.attribute.find(({ name }) => name === "body")?.g;
  return (body?.node ?? []).map(({ opType }) => opType);
}
