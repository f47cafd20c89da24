import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import { type OnnxModel, parseModel } from "./model.ts";
import { floats, integers, modelOf, node, value } from "./models.fixture.ts";
import { type TrainingGraph, type TrainingOptions, trainingGraph } from "./training-graph.ts";

const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "float32",
  scale: 1,
};
const [time, width, hidden, classes] = [7, 2, 3, 4];

test("a recurrent layer is one scan forward and one back, for each direction", () => {
  const count = (graph: TrainingGraph): number =>
    bodyOf(graph).filter(({ opType }) => opType === "Scan").length;
  assert.equal(count(trainingGraph(lstm({}), options)), 2);
  const both = lstm({ direction: ["string", "bidirectional"] }, 2);
  assert.equal(count(trainingGraph(both, options)), 4);
});

test("a scan multiplies what its steps do, and the gradient of its weights is one product of all steps", () => {
  const graph = trainingGraph(lstm({}), options);
  const gates = 4 * hidden;
  // Forward; the gradient by the weights; the gradient by the state, but not by the examples.
  const layer = time * gates * (width + hidden + (width + hidden) + hidden);
  assert.equal(graph.cost(5).multiplyAdds, 5 * (layer + 3 * hidden * classes));
  const products = bodyOf(graph).filter(({ opType }) => opType === "Gemm");
  // Of the inputs, forward and back; of the recurrence back; of the scores three.
  assert.equal(products.length, 2 + 1 + 3);
  const scans = bodyOf(graph).filter(({ opType }) => opType === "Scan");
  const inner = scans.map((scan) => bodyNodes(scan).filter(({ opType }) => opType === "Gemm").length);
  assert.deepEqual(inner, [1, 1]);
});

test("memory counts what each step keeps for its gradient", () => {
  const longer = trainingGraph(lstm({}, 1, 10 * time), options).cost(100).memoryBytes;
  const shorter = trainingGraph(lstm({}), options).cost(100).memoryBytes;
  // At least the four gates and both states of every step.
  assert.ok(longer - shorter > 9 * time * 100 * 6 * hidden * 4, `${longer} after ${shorter}`);
});

test("what a recurrent layer cannot be trained with is refused with words and its node", () => {
  const refused: readonly (readonly [RegExp, Parameters<typeof lstm>[0]])[] = [
    [/attribute "clip" is not known/, { clip: ["float", 3] }],
    [
      /the activation "Softsign" is not one of Relu, Sigmoid, Tanh/,
      activations("Sigmoid", "Softsign", "Tanh"),
    ],
    [/it has 2 activations/, activations("Sigmoid", "Tanh")],
    [/its input and forget gates are coupled/, { input_forget: ["int", 1] }],
    [/the direction "sideways" is not known/, { direction: ["string", "sideways"] }],
    [/it is not for 2 directions|do not fit 2 directions/, { direction: ["string", "bidirectional"] }],
    [/the weights do not fit/, { hidden_size: ["int", hidden + 1] }],
  ];
  for (const [words, attributes] of refused) {
    assert.throws(() => trainingGraph(lstm(attributes), options), {
      code: "unsupported",
      message: words,
      at: 'node "all/LSTM" (LSTM)',
    });
  }
});

function activations(...names: readonly string[]): Parameters<typeof node>[3] {
  return { activations: ["strings", names] };
}

/** Sequences [batch, time, width] classified by the last state of an LSTM. */
function lstm(attributes: Parameters<typeof node>[3], directions = 1, steps = time): OnnxModel {
  const sizes = (...sizes: readonly number[]) => [directions, ...sizes];
  const layer = { ...node("LSTM", ["xt", "w", "r", "b"], "all", attributes), output: ["all", "last"] };
  return modelOf({
    inputs: [value("x", ["batch", steps, width])],
    outputs: [value("y", ["batch", classes])],
    nodes: [
      node("Transpose", ["x"], "xt", { perm: ["ints", [1, 0, 2]] }),
      layer,
      node("Gather", ["last", "first"], "h", { axis: ["int", 0] }),
      node("Squeeze", ["h", "axis"], "s"),
      node("Gemm", ["s", "head"], "y"),
    ],
    initializers: [
      weights("w", sizes(4 * hidden, width)),
      weights("r", sizes(4 * hidden, hidden)),
      weights("b", sizes(8 * hidden)),
      weights("head", [hidden, classes]),
      integers("first", [0]),
      integers("axis", [0]),
    ],
  });
}

function weights(name: string, shape: readonly number[]): ReturnType<typeof floats> {
  const size = shape.reduce((product, each) => product * each, 1);
  return floats(name, shape, Array(size).fill(0.5));
}

function bodyOf(graph: TrainingGraph): readonly NodeProto[] {
  const loop = parseModel(graph.bytes).graph?.node.find(({ opType }) => opType === "Loop");
  return loop === undefined ? [] : bodyNodes(loop);
}

function bodyNodes({ attribute }: NodeProto): readonly NodeProto[] {
  return attribute.find(({ name }) => name === "body")?.g?.node ?? [];
}
