import { create } from "@bufbuild/protobuf";
import { SeededRandom } from "@selvedge/protocol";
import { encodeAttribute } from "./attributes.ts";
import type { ComposeMode } from "./composition.ts";
import { compositions, isComposed } from "./compositions.ts";
import { elementTypes } from "./element-type.ts";
import { emitNode } from "./emit-node.ts";
import { type NodeProto, NodeProtoSchema } from "./gen/onnx/onnx_pb.js";
import type { CheckedSignatures, ConstantInput, GradientCase, Place } from "./gradient-case.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { AttributeKind, Value } from "./operator.ts";
import { isOperator, operators } from "./operators.ts";
import { type Shape, sizeOf } from "./shape.ts";

/** An input of a check, and where it is taken. */
export interface CheckInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** The inputs of a case in a graph. */
interface CaseInputs {
  readonly inputs: readonly (Value | undefined)[];
  /** Those of them that are not constant, and their values. */
  readonly points: readonly CheckInput[];
  readonly wanted: readonly Value[];
}

export function caseInputs<Op extends keyof CheckedSignatures>(
  g: GraphBuilder,
  name: string,
  each: GradientCase<Op>,
  type: "float32" | "float64",
): CaseInputs {
  const points = casePoints(name, each);
  const wanted: Value[] = [];
  const inputs = each.inputs.map((input, index) => {
    if (input === undefined) return undefined;
    if (!isShape(input)) return constant(g, input);
    const value = g.input(`input${index}`, type, input);
    wanted.push(value);
    return value;
  });
  return { inputs, points, wanted };
}

/** The inputs of a case that are not constant, at a point that its name decides. */
export function casePoints<Op extends keyof CheckedSignatures>(
  name: string,
  { inputs, sizes, at }: GradientCase<Op>,
): readonly CheckInput[] {
  return inputs.flatMap((input, index) => {
    if (input === undefined || !isShape(input)) return [];
    const shape = input.map((size) => (typeof size === "number" ? size : (sizes?.[size] ?? 1)));
    const data = pointOf(shape, SeededRandom.fromSeed(name, index), at);
    return [{ name: `input${index}`, shape, data }];
  });
}

/** The operator as a file has it. */
export function caseNode<Op extends keyof CheckedSignatures>(op: Op, each: GradientCase<Op>): NodeProto {
  const kinds: Readonly<Record<string, AttributeKind>> = {
    ...(isOperator(op) ? operators[op].attributes : {}),
    ...(isComposed(op) ? compositions[op].attributes : {}),
  };
  const attributes: object = each.attributes;
  return create(NodeProtoSchema, {
    opType: op,
    input: each.inputs.map((input, index) => (input === undefined ? "" : `input${index}`)),
    output: ["first", "second", "third"],
    attribute: Object.entries(attributes).map(([name, value]) =>
      encodeAttribute(name, kinds[name] ?? "int", value),
    ),
  });
}

/** Emits the operator as a file's node is read; returns all its outputs. */
export function emitCase(
  g: GraphBuilder,
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  mode: ComposeMode,
): readonly Value[] {
  const values = new Map<string, Value>();
  for (const [index, value] of inputs.entries()) if (value) values.set(`input${index}`, value);
  emitNode(g, node, values, mode);
  return node.output.flatMap((name) => values.get(name) ?? []);
}

/** Values that a gradient can be taken at. */
export function pointOf(shape: readonly number[], random: SeededRandom, at: Place | undefined): Float64Array {
  const length = sizeOf(shape);
  if (at === "distinct") {
    const order = Int32Array.from({ length }, (_, index) => index);
    random.shuffle(order);
    return Float64Array.from(order, (rank) => (rank - Math.floor(length / 2)) / 4 + 0.1);
  }
  return Float64Array.from({ length }, (_, index) => {
    const value = random.normal();
    if (at === "zeros" && index % 3 === 0) return 0;
    if (at === "small") return 0.8 * Math.tanh(value);
    if (at === "large") return 1.5 + Math.abs(value);
    return at === "positive" ? Math.abs(value) + 0.5 : value + Math.sign(value) * 0.1;
  });
}

export function isShape(input: Shape | ConstantInput): input is Shape {
  return Array.isArray(input);
}

function constant(g: GraphBuilder, { type, values, shape }: ConstantInput): Value {
  if (type === "float32") return g.constant(Float32Array.from(values), shape);
  if (type === "float64") return g.constant(Float64Array.from(values), shape);
  if (type === "int32") return g.constant(Int32Array.from(values), shape);
  const integers = g.constant(BigInt64Array.from(values, BigInt), shape);
  return type === "bool" ? g.node("Cast", [integers], { to: elementTypes.bool.code }) : integers;
}
