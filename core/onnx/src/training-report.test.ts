import assert from "node:assert/strict";
import { test } from "node:test";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
import { trainingGraph } from "./training-graph.ts";
import { trainingReport } from "./training-report.ts";

test("every tensor of the file is trained, or frozen for a reason", () => {
  const model = modelOf({
    nodes: [
      node("Reshape", ["x", "shape"], "r"),
      node("MatMul", ["r", "w"], "h"),
      node("Mul", ["h", "two"], "z"),
      node("Sign", ["steps"], "s"),
      node("Add", ["z", "s"], "y"),
    ],
    initializers: [
      integers("shape", [-1, 6]),
      floats("w", [6, 3], Array(18).fill(1)),
      floats("two", [], [2]),
      floats("steps", [3], [1, 2, 3]),
      floats("unused", [2], [1, 2]),
    ],
  });
  const graph = trainingGraph(model, {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "float32",
    scale: 1,
  });
  assert.deepEqual(trainingReport(model, graph), {
    trained: [{ name: "w", shape: [6, 3], readBy: ["h/MatMul (MatMul)"] }],
    frozen: [
      {
        name: "steps",
        shape: [3],
        why: "no gradient comes through the operators between it and the output",
      },
      { name: "unused", shape: [2], why: "the output does not depend on it" },
      { name: "shape", shape: [2], why: "int64: only float32 is trained" },
      { name: "two", shape: [], why: "a scalar is a constant" },
    ],
  });
});
