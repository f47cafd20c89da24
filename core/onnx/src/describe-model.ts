import { SelvedgeError } from "@selvedge/protocol";
import { type ElementType, elementTypeOf } from "./element-type.ts";
import type { TensorShapeProto_Dimension, ValueInfoProto } from "./gen/onnx/onnx_pb.js";
import type { OnnxModel } from "./model.ts";

/** An input or output of a model. */
export interface TensorDescription {
  readonly name: string;
  readonly type: ElementType;
  /** -1 for a dimension that the caller chooses, such as the batch. */
  readonly shape: readonly number[];
}

export interface ModelDescription {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

/**
 * What a model takes and gives, as its file declares it.
 *
 * @throws SelvedgeError `unsupported` for inputs or outputs that are no tensors, or of unknown shape
 */
export function describeModel(model: OnnxModel): ModelDescription {
  const { input = [], output = [], initializer = [] } = model.graph ?? {};
  const initialized = new Set(initializer.map((tensor) => tensor.name));
  return {
    inputs: input.filter((value) => !initialized.has(value.name)).map(describeTensor),
    outputs: output.map(describeTensor),
  };
}

/** @throws SelvedgeError `unsupported` for what is no tensor, or of unknown shape */
export function describeTensor(value: ValueInfoProto): TensorDescription {
  const tensor = value.type?.value.case === "tensorType" ? value.type.value.value : undefined;
  const type = tensor === undefined ? undefined : elementTypeOf(tensor.elemType);
  if (tensor?.shape === undefined || type === undefined) {
    throw new SelvedgeError("unsupported", `"${value.name}" is not a tensor of declared type and shape`, {
      at: `value "${value.name}"`,
      fix: "run shape inference when exporting the model",
    });
  }
  return { name: value.name, type, shape: tensor.shape.dim.map(sizeOrUnknown) };
}

function sizeOrUnknown(dimension: TensorShapeProto_Dimension): number {
  return dimension.value.case === "dimValue" ? Number(dimension.value.value) : -1;
}
