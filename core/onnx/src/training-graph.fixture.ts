import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { type OnnxModel, parseModel } from "./model.ts";
import { floats } from "./models.fixture.ts";
import type { TrainingGraph, TrainingOptions } from "./training-graph.ts";

export const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "uint8",
  scale: 1 / 255,
};

/** From six features to the scores of three classes. */
export const weight: TensorProto = floats("w", [6, 3], Array(18).fill(0.5));

/** The nodes of one step. */
export function bodyOf(graph: TrainingGraph): NonNullable<OnnxModel["graph"]>["node"] {
  const loop = parseModel(graph.bytes).graph?.node.find(({ opType }) => opType === "Loop");
  return loop?.attribute[0]?.g?.node ?? [];
}
