import type { FuzzTarget } from "@selvedge/testkit";
import { describeModel } from "./describe-model.ts";
import { type OnnxModel, parseModel, serializeModel } from "./model.ts";
import { floats, integers, loopNode, modelOf, node, value } from "./models.fixture.ts";
import { parameterLayout } from "./parameters.ts";
import { type TrainingOptions, trainingGraph } from "./training-graph.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "float32",
  scale: 1,
};

export const target: FuzzTarget = {
  name: "model",
  examples: () => [
    serializeModel(buildMlp({ inputShape: [3], hidden: [2], classes: 2, seed: 1 })),
    serializeModel(buildMlp({ inputShape: [2, 2], hidden: [], classes: 3, seed: 2 })),
    serializeModel(recurrent()),
    serializeModel(convolutional()),
  ],
  words: [
    ...["Gemm", "MatMul", "Reshape", "Flatten", "Loop", "If", "ai.onnx.ml", "location", "../", "input"],
    ...["Attention", "Col2Im", "GRU", "Resize", "ScatterND", "Scan", "Split", "TopK", "axes", "body", "pads"],
  ],
  // All that a coordinator or device does with a file from outside before it runs it.
  decode(input) {
    const model = parseModel(input);
    describeModel(model);
    parameterLayout(model);
    trainingGraph(model, options);
  },
};

/** A loop over [batch, 3, 2]. */
function recurrent(): OnnxModel {
  const body = {
    inputs: ["i", "c", "h"],
    nodes: [
      node("Gather", ["x", "i"], "xt", { axis: ["int", 1] }),
      node("Gemm", ["h", "w"], "kept"),
      node("Add", ["xt", "kept"], "sum"),
      node("Tanh", ["sum"], "next"),
    ],
    outputs: ["c", "next"],
  };
  return modelOf({
    inputs: [value("x", ["batch", 3, 2])],
    outputs: [value("y", ["batch", 2])],
    initializers: [floats("w", [2, 2], [0.1, 0.2, 0.3, 0.4]), integers("three", [3]), integers("one", [1])],
    nodes: [
      node("ReduceSum", ["x", "one"], "first", { keepdims: ["int", 0] }),
      loopNode("rnn", ["three", "", "first"], ["y"], body),
    ],
  });
}

function convolutional(): OnnxModel {
  return modelOf({
    inputs: [value("x", ["batch", 1, 4, 4])],
    outputs: [value("y", ["batch", 2])],
    initializers: [
      floats("w", [2, 1, 2, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
      integers("all", [2, 3]),
    ],
    nodes: [
      node("Conv", ["x", "w"], "c", { pads: ["ints", [1, 1, 0, 0]], strides: ["ints", [2, 1]] }),
      node("MaxPool", ["c"], "p", { kernel_shape: ["ints", [2, 2]] }),
      node("ReduceMean", ["p", "all"], "y", { keepdims: ["int", 0] }),
    ],
    opset: 18,
  });
}
