import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel, serializeModel } from "./model.ts";
import { floats, modelOf, node, scanNode, value } from "./models.fixture.ts";
import { type TrainingGraph, trainingGraph } from "./training-graph.ts";

test("a scan of a file is trained, or refused with words and its node where its parts do not fit", () => {
  assert.equal(compiled(1, ["h", "e"], ["next"]).layout.length, 2);
  const refused: readonly (readonly [RegExp, Parameters<typeof compiled>])[] = [
    [/its body does not fit its inputs/, [0, ["h", "e"], ["next"]]],
    [/its body does not fit its inputs/, [3, ["h", "e"], ["next"]]],
    [/its body does not fit its inputs/, [1, ["h"], ["next"]]],
    [/its body does not fit its inputs/, [2, ["h", "e"], []]],
    [/a state of it changes its form/, [1, ["h", "e"], ["twice"]]],
  ];
  for (const [message, change] of refused) {
    assert.throws(() => compiled(...change), { code: "unsupported", message, at: 'node "scan" (Scan)' });
  }
});

/** h = tanh(xₜ + h w), over the first axis of x transposed. */
function compiled(sequences: number, inputs: readonly string[], outputs: readonly string[]): TrainingGraph {
  const body = {
    inputs,
    nodes: [
      node("Mul", ["h", "w"], "kept"),
      node("Add", ["kept", "last"], "sum"),
      node("Tanh", ["sum"], "next"),
      node("Concat", ["next", "next"], "twice", { axis: ["int", 1] }),
    ],
    outputs,
  };
  const model = modelOf({
    inputs: [value("x", ["batch", 3, 2])],
    outputs: [value("y", ["batch", 2])],
    initializers: [floats("w", [2], [0.1, 0.2])],
    nodes: [
      node("Transpose", ["x"], "times", { perm: ["ints", [1, 0, 2]] }),
      node("ReduceMean", ["x"], "start", { axes: ["ints", [1]], keepdims: ["int", 0] }),
      node("Identity", ["start"], "last"),
      scanNode("scan", ["start", "times"], ["y"], body, sequences),
    ],
  });
  const options = {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "float32",
    scale: 1,
  } as const;
  return trainingGraph(parseModel(serializeModel(model)), options);
}
