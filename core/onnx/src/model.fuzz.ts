import type { FuzzTarget } from "@selvedge/testkit";
import { describeModel } from "./describe-model.ts";
import { parseModel, serializeModel } from "./model.ts";
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
  ],
  words: ["Gemm", "MatMul", "Reshape", "Flatten", "Loop", "If", "ai.onnx.ml", "location", "../", "input"],
  // All that a coordinator or device does with a file from outside before it runs it.
  decode(input) {
    const model = parseModel(input);
    describeModel(model);
    parameterLayout(model);
    trainingGraph(model, options);
  },
};
