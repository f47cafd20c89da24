import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import { parseModel, serializeModel } from "./model.ts";
import { floats, integers, loopNode, modelOf, node, value } from "./models.fixture.ts";
import { type TrainingGraph, trainingGraph } from "./training-graph.ts";

test("a loop whose course is known is a scan, and what no iteration changes is computed once before it", () => {
  const scans = bodyOf(compiled({})).filter(({ opType }) => opType === "Scan");
  assert.equal(scans.length, 2);
  const [forward] = scans;
  const inner = forward?.attribute.find(({ name }) => name === "body")?.g?.node.map(({ opType }) => opType);
  assert.deepEqual(inner?.includes("Exp"), false);
  assert.ok(bodyOf(compiled({})).some(({ opType }) => opType === "Exp"));
});

test("a loop that the data decides about is refused with words and its node", () => {
  const refused: readonly (readonly [RegExp, Parameters<typeof compiled>[0]])[] = [
    [/how often it runs is not known before the run/, { trips: "size" }],
    [/it never runs/, { trips: "none" }],
    [/whether it goes on depends on the data/, { condition: "isLarge" }],
    [/takes elements beyond the 3 of an axis/, { trips: "four" }],
    [/it is too long to be followed/, { trips: "", condition: "c" }],
    [/a state of it changes its form/, { next: "doubled" }],
    [/its body does not fit its inputs/, { states: ["zeros", "zeros"] }],
  ];
  for (const [message, change] of refused) {
    assert.throws(() => compiled(change), { code: "unsupported", message, at: 'node "rnn" (Loop)' });
  }
  assert.throws(() => compiled({ next: "normal" }), {
    message: /in a loop and would change what it has learned/,
    at: 'node "normal/BatchNormalization" (BatchNormalization)',
  });
  assert.throws(() => compiled({ next: "inner" }), {
    message: /no gradient goes through loops in loops/,
    at: 'node "inner" (Loop)',
  });
});

interface Change {
  readonly trips?: string;
  readonly condition?: string;
  readonly next?: string;
  readonly states?: readonly string[];
}

/** h = tanh(xₜ + h exp(w)), over the three times of x [batch, 3, 2]. */
function compiled({
  trips = "three",
  condition = "c",
  next = "y",
  states = ["zeros"],
}: Change): TrainingGraph {
  const body = {
    inputs: ["i", "c", "h"],
    nodes: [
      node("Gather", ["x", "i"], "xt", { axis: ["int", 1] }),
      node("Exp", ["w"], "factor"),
      node("Mul", ["h", "factor"], "kept"),
      node("Add", ["xt", "kept"], "sum"),
      node("Tanh", ["sum"], "y"),
      node("Concat", ["y", "y"], "doubled", { axis: ["int", 1] }),
      node("BatchNormalization", ["y", "w", "w", "w", "w"], "normal"),
      loopNode("inner", ["three", "", "y"], ["inner"], {
        inputs: ["j", "d", "k"],
        nodes: [node("Tanh", ["k"], "bent")],
        outputs: ["d", "bent"],
      }),
      node("ReduceMax", ["y", "axes"], "most", { keepdims: ["int", 0] }),
      node("Greater", ["most", "zero"], "isLarge"),
    ],
    outputs: [condition, next],
  };
  const model = modelOf({
    inputs: [value("x", ["batch", 3, 2])],
    outputs: [value("y1", ["batch", 2])],
    initializers: [
      floats("w", [2], [0.1, 0.2]),
      floats("zero", [], [0]),
      integers("axes", [0, 1]),
      integers("three", [3]),
      integers("four", [4]),
      integers("none", [0]),
      integers("one", [1]),
    ],
    nodes: [
      node("Size", ["x"], "size"),
      node("Slice", ["x", "none", "one", "one"], "firsts"),
      node("Squeeze", ["firsts", "one"], "first"),
      node("Sub", ["first", "first"], "zeros"),
      loopNode("rnn", [trips, "", ...states], ["y1"], body),
    ],
  });
  return trainingGraph(parseModel(serializeModel(model)), {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "float32",
    scale: 1,
  });
}

function bodyOf(graph: TrainingGraph): readonly NodeProto[] {
  const nodes = parseModel(graph.bytes).graph?.node ?? [];
  const loop = nodes.find(({ opType }) => opType === "Loop");
  return loop?.attribute.find(({ name }) => name === "body")?.g?.node ?? [];
}
