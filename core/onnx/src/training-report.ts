import { constantTensors } from "./constant-tensors.ts";
import { elementTypeOf } from "./element-type.ts";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import { withInner } from "./live-protos.ts";
import type { OnnxModel } from "./model.ts";
import { dimensionsOf } from "./tensor-proto.ts";
import type { TrainingGraph } from "./training-graph.ts";

/** A tensor that a model's file holds. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface TrainedTensor extends StoredTensor {
  /** The nodes that read it, by name and operator: more than one where a weight is shared between layers. */
  readonly readBy: readonly string[];
}

export interface FrozenTensor extends StoredTensor {
  /** Why training leaves it as it is. */
  readonly why: string;
}

/** What training changes of a model, and what it does not. */
export interface TrainingReport {
  readonly trained: readonly TrainedTensor[];
  readonly frozen: readonly FrozenTensor[];
}

/** @param graph compiled from this model */
export function trainingReport(model: OnnxModel, graph: TrainingGraph): TrainingReport {
  const whyConstant = constantTensors(model);
  const parameters = new Set(graph.layout.slots.map(({ name }) => name));
  const { initializer = [], node = [] } = model.graph ?? {};
  const readers = readersOf(withInner(node));
  const constants = initializer.filter(({ name }) => !parameters.has(name));
  return {
    trained: graph.layout.slots
      .filter(({ name }) => !graph.frozen.has(name))
      .map(({ name, shape }) => ({ name, shape, readBy: readers.get(name) ?? [] })),
    frozen: [
      ...graph.layout.slots.flatMap(({ name, shape }) => {
        const why = graph.frozen.get(name);
        return why === undefined ? [] : [{ name, shape, why }];
      }),
      ...constants.map((tensor) => {
        const type = elementTypeOf(tensor.dataType);
        const why =
          type === "float32"
            ? (whyConstant.get(tensor.name) ?? "a scalar is a constant")
            : `${type}: only float32 is trained`;
        return { name: tensor.name, shape: dimensionsOf(tensor), why };
      }),
    ],
  };
}

function readersOf(nodes: readonly NodeProto[]): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>();
  for (const { input, name, output, opType } of nodes) {
    for (const read of new Set(input)) {
      readers.set(read, [...(readers.get(read) ?? []), `${name || output[0]} (${opType})`]);
    }
  }
  return readers;
}
