import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { constant, floats, integers, type ModelParts, modelOf, node, value } from "./models.fixture.ts";
import { bodyOf, options, weight } from "./training-graph.fixture.ts";
import { type TrainingGraph, trainingGraph } from "./training-graph.ts";

test("what exporters write is trained: Constant, Identity, Reshape by an initializer, MatMul and Add", () => {
  const shape = integers("shape", [0, -1]);
  const graph = trainingGraph(
    modelOf({
      inputs: [value("x", ["N", 2, 3])],
      nodes: [
        node("Reshape", ["x", "shape"], "flat"),
        node("Identity", ["flat"], "same"),
        node("MatMul", ["same", "w"], "h"),
        constant(floats("", [], [1]), "one"),
        node("Add", ["h", "b"], "z"),
        node("Add", ["z", "one"], "y"),
      ],
      initializers: [shape, weight, floats("b", [3], [0, 0, 0])],
    }),
    options,
  );
  assert.deepEqual(
    graph.layout.slots.map(({ name }) => name),
    ["w", "b"],
  );
});

test("shapes that exporters compute are known while the graph is built, and cost nothing when it runs", () => {
  const model = modelOf({
    inputs: [value("x", ["N", 2, 3])],
    nodes: [
      node("Shape", ["x"], "shape"),
      node("Gather", ["shape", "zero"], "batch"),
      node("Unsqueeze", ["batch", "zeros"], "batches"),
      node("Concat", ["batches", "rest"], "target", { axis: ["int", 0] }),
      node("Reshape", ["x", "target"], "flat"),
      node("Slice", ["shape", "one", "three"], "sides"),
      node("ReduceProd", ["sides"], "size", { axes: ["ints", [0]] }),
      node("Reshape", ["flat", "all"], "again"),
      node("MatMul", ["again", "w"], "y"),
    ],
    initializers: [
      scalarInteger("zero", 0),
      integers("zeros", [0]),
      integers("rest", [-1]),
      integers("one", [1]),
      integers("three", [3]),
      integers("all", [-1, 6]),
      weight,
    ],
  });
  const nodes = bodyOf(trainingGraph(model, options));
  const shapes = nodes.filter(({ opType }) => opType === "Shape" || opType === "Concat");
  assert.equal(shapes.length, 1, "the number of labels, for the mean of the loss");
});

test("a reshape to computed sizes is trained, also where a zero would stand for itself", () => {
  const graph = trainingGraph(
    modelOf({
      inputs: [value("x", ["N", 2, 3])],
      nodes: [
        node("Shape", ["x"], "batch", { start: ["int", 0], end: ["int", 1] }),
        node("Concat", ["batch", "six"], "target", { axis: ["int", 0] }),
        node("Reshape", ["x", "target"], "flat", { allowzero: ["int", 1] }),
        node("MatMul", ["flat", "w"], "y"),
      ],
      initializers: [weight, integers("six", [6])],
    }),
    options,
  );
  assert.equal(graph.classes, 3);
});

test("before operator set 18 a split has as many equal parts as outputs", () => {
  const split = { ...node("Split", ["x"], "left", { axis: ["int", 1] }), output: ["left", "right"] };
  const model = modelOf({
    inputs: [value("x", ["N", 12])],
    nodes: [split, node("Sub", ["left", "right"], "d"), node("MatMul", ["d", "w"], "y")],
    initializers: [weight],
    opset: 13,
  });
  assert.equal(trainingGraph(model, options).classes, 3);
});

test("shapes are followed through arithmetic only as far as the runtime computes the same", () => {
  const known = [
    node("Cast", ["six"], "f", { to: ["int", 1] }),
    node("Cast", ["f"], "k", { to: ["int", 7] }),
  ];
  const truth = [
    node("Cast", ["six"], "b", { to: ["int", 9] }),
    node("Cast", ["b"], "i", { to: ["int", 7] }),
  ];
  const quotient = (by: string): ModelParts["nodes"] => [
    node("Cast", ["six"], "f", { to: ["int", 1] }),
    node("Cast", [by], "g", { to: ["int", 1] }),
    node("Div", ["f", "g"], "q"),
    node("Mul", ["q", "g"], "p"),
    node("Cast", ["p"], "k", { to: ["int", 7] }),
  ];
  const compile = (nodes: ModelParts["nodes"]): TrainingGraph =>
    trainingGraph(
      modelOf({
        nodes: [
          ...nodes,
          node("Concat", ["rest", "k"], "target", { axis: ["int", 0] }),
          node("Reshape", ["x", "target"], "r"),
          node("MatMul", ["r", "w"], "y"),
        ],
        initializers: [
          ...[weight, integers("rest", [-1]), integers("six", [6]), integers("zero", [0])],
          ...[
            integers("two", [2]),
            integers("four", [4]),
            integers("more", [262]),
            integers("much", [2 ** 52]),
          ],
        ],
      }),
      options,
    );
  compile(known);
  compile([...truth, node("Mul", ["i", "six"], "k")]);
  compile(quotient("two"));
  // 6 / 4 * 4 of floats is 6, of integers 4
  compile(quotient("four"));
  const wrong: readonly ModelParts["nodes"][] = [
    [node("Div", ["six", "four"], "q"), node("Mul", ["q", "four"], "k")],
    [node("Div", ["six", "zero"], "k")],
    [node("Div", ["zero", "zero"], "k")],
    [node("Mul", ["much", "much"], "k")],
    [node("Cast", ["more"], "b", { to: ["int", 2] }), node("Cast", ["b"], "k", { to: ["int", 7] })],
  ];
  for (const nodes of wrong) assert.throws(() => compile(nodes), { code: "unsupported" });
});

function scalarInteger(name: string, number: number): TensorProto {
  return { ...integers(name, [number]), dims: [] };
}
