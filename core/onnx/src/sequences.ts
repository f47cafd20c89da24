import { decodeAttribute } from "./attributes.ts";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder } from "./graph-builder.ts";
import { axisOf, constantInput, mismatch, TypeMismatch, type Value } from "./operator.ts";

/** What a name of a model stands for: a tensor, or a sequence of them. */
export type Named = Value | readonly Value[];

export function isSequence(named: Named): named is readonly Value[] {
  return Array.isArray(named);
}

/** ONNX SplitToSequence: parts of one size, the last of what is left, or of given sizes. */
export function splitToSequence(
  g: GraphBuilder,
  node: NodeProto,
  [x, sizes]: readonly (Value | undefined)[],
): readonly Value[] {
  if (x === undefined) throw new TypeMismatch("it has no input");
  const axis = axisOf(attributeOf(node, "axis", 0), x.shape.length);
  const size = x.shape[axis];
  if (typeof size !== "number") throw mismatch(`axis ${axis} has no fixed size`, x);
  const parts = g.outputs("Split", [x, g.integers(...partSizes(g, size, sizes))], { axis });
  const isSqueezed = sizes === undefined && attributeOf(node, "keepdims", 1) === 0;
  return isSqueezed ? parts.map((part) => g.node("Squeeze", [part, g.integers(axis)], {})) : parts;
}

/** ONNX SequenceAt, at a position that is known. */
export function sequenceAt(g: GraphBuilder, sequence: Named | undefined, position: Value | undefined): Value {
  const [at = Number.NaN] = position === undefined ? [] : constantInput(position, "position", g);
  const element = sequence !== undefined && isSequence(sequence) ? sequence.at(at) : undefined;
  if (element === undefined) throw new TypeMismatch("its sequence has no such element");
  return element;
}

function partSizes(g: GraphBuilder, size: number, sizes: Value | undefined): readonly number[] {
  const given = sizes === undefined ? [1] : constantInput(sizes, "sizes", g);
  if (sizes !== undefined && sizes.shape.length > 0) return given;
  const [each = 0] = given;
  if (each < 1 || size > each * partsMax)
    throw new TypeMismatch(`parts of size ${each} of an axis of ${size}`);
  return Array.from({ length: Math.ceil(size / each) }, (_, part) => Math.min(each, size - part * each));
}

function attributeOf(node: NodeProto, name: string, otherwise: number): number {
  const attribute = node.attribute.find((each) => each.name === name);
  return Number((attribute && decodeAttribute(attribute, "int")) ?? otherwise);
}

const partsMax = 1_024;
