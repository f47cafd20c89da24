import { SelvedgeError } from "@selvedge/protocol";
import { constantTensors } from "./constant-tensors.ts";
import { elementTypes } from "./element-type.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import type { OnnxModel } from "./model.ts";
import { describeShape } from "./shape.ts";
import { copyFloats, dimensionsOf, elementCount } from "./tensor-proto.ts";

/** One trainable tensor, and where it lies in the flat vector of all of them. */
export interface ParameterSlot {
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements. */
  readonly offset: number;
  /** In elements. */
  readonly length: number;
}

/** How a model's parameters lie in one flat float32 vector: in graph order, without gaps. */
export interface ParameterLayout {
  readonly slots: readonly ParameterSlot[];
  /** Elements of the whole vector. */
  readonly length: number;
}

/**
 * The trainable tensors of a model: its float32 initializers of at least one
 * dimension, in graph order. Scalars and integers are constants, and so is what
 * cannot be a weight (`constantTensors`).
 */
export function parameterLayout(model: OnnxModel): ParameterLayout {
  const slots: ParameterSlot[] = [];
  let offset = 0;
  for (const tensor of parameterTensors(model)) {
    const length = elementCount(tensor);
    slots.push({ name: tensor.name, shape: dimensionsOf(tensor), offset, length });
    offset += length;
  }
  return { slots, length: offset };
}

/** All parameters as one vector, as the layout of the same model has it. */
export function readParameters(model: OnnxModel, layout: ParameterLayout): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.length);
  const tensors = new Map(parameterTensors(model).map((tensor) => [tensor.name, tensor]));
  for (const slot of layout.slots) {
    const tensor = tensors.get(slot.name);
    if (tensor === undefined || elementCount(tensor) !== slot.length) {
      throw new SelvedgeError("failed_precondition", `the model has no ${describeSlot(slot)}`, {
        fix: "use the layout of the same model",
      });
    }
    copyFloats(tensor, slotOf(flat, slot));
  }
  return flat;
}

/** The part of a flat vector that one tensor occupies; a view. */
export function slotOf<Buffer extends ArrayBufferLike>(
  flat: Float32Array<Buffer>,
  slot: ParameterSlot,
): Float32Array<Buffer> {
  return flat.subarray(slot.offset, slot.offset + slot.length);
}

/** @throws SelvedgeError `invalid_argument` when the vector is not as long as the layout. */
export function checkLength(layout: ParameterLayout, flat: Float32Array): void {
  if (flat.length === layout.length) return;
  throw new SelvedgeError(
    "invalid_argument",
    `the model has ${layout.length} parameters and the vector ${flat.length}`,
    { fix: "use parameters of the same model" },
  );
}

export function describeSlot(slot: ParameterSlot): string {
  return `parameter "${slot.name}" of shape ${describeShape(slot.shape)}`;
}

function parameterTensors(model: OnnxModel): TensorProto[] {
  const constants = constantTensors(model);
  return (model.graph?.initializer ?? []).filter(
    ({ name, dataType, dims }) =>
      dataType === elementTypes.float32.code && dims.length > 0 && !constants.has(name),
  );
}
