import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { floats, integers, type ModelParts, node } from "./models.fixture.ts";
import type { AttributeKind, AttributeValue } from "./operator.ts";

/** A way to write it, from "m" to "z". */
export interface OpsetForm {
  readonly opset: number;
  readonly nodes: ModelParts["nodes"];
  readonly initializers?: readonly TensorProto[];
}

/** What is written in several ways, one after the other. */
export interface OpsetRow {
  readonly name: string;
  readonly shape?: readonly number[];
  readonly output?: readonly number[];
  readonly forms: readonly OpsetForm[];
}

type Attributes = Readonly<Record<string, readonly [AttributeKind, AttributeValue]>>;

/** Its axes an attribute before operator set 18, an input since. */
export function reduction(op: string): OpsetRow {
  return {
    name: op,
    output: [3, 6],
    forms: [
      ...[13, 17].map((opset) => same(opset, op, { axes: ["ints", [1]], keepdims: ["int", 0] })),
      ...[18, 23].map((opset) => reduced(op, opset)),
    ],
  };
}

export function reduced(op: string, opset: number): OpsetForm {
  return {
    opset,
    nodes: [node(op, ["m", "axes"], "z", { keepdims: ["int", 0] })],
    initializers: [integers("axes", [1])],
  };
}

export function moved(
  op: string,
  shape: readonly number[],
  output: readonly number[],
  axes: readonly number[],
): OpsetRow {
  const form = (opset: number): OpsetForm => ({
    opset,
    nodes: [node(op, ["m", "axes"], "z")],
    initializers: [integers("axes", axes)],
  });
  return { name: op, shape, output, forms: [13, 23].map(form) };
}

/** Its two parts the other way round. */
export function split(
  opset: number,
  input: readonly string[],
  attributes: Attributes,
  initializers: readonly TensorProto[] = [],
): OpsetForm {
  const parts = node("Split", input, "a", { axis: ["int", 1], ...attributes });
  const joined = node("Concat", ["b", "a"], "z", { axis: ["int", 1] });
  return { opset, nodes: [{ ...parts, output: ["a", "b"] }, joined], initializers };
}

export function padded(opset: number, input: readonly string[], pads: readonly number[]): OpsetForm {
  const initializers = [integers("pads", pads), integers("axes", [2, 3])];
  return { opset, nodes: [node("Pad", input, "z")], initializers };
}

export function resized(opset: number, scales: readonly number[], attributes: Attributes): OpsetForm {
  return {
    opset,
    nodes: [node("Resize", ["m", "", "scales"], "z", { mode: ["string", "linear"], ...attributes })],
    initializers: [floats("scales", [scales.length], scales)],
  };
}

export function grouped(
  opset: number,
  spread: (ofGroups: readonly number[]) => readonly number[],
): OpsetForm {
  const [scale, bias] = [spread([0.5, 1.5]), spread([0.1, -0.2])];
  return {
    opset,
    nodes: [node("GroupNormalization", ["m", "scale", "bias"], "z", { num_groups: ["int", 2] })],
    initializers: [floats("scale", [scale.length], scale), floats("bias", [bias.length], bias)],
  };
}

/** Written alike from one operator set to the last. */
export function unchanged(
  op: string,
  attributes: Attributes,
  initializers: readonly TensorProto[] = [],
  output?: readonly number[],
  first = 13,
): OpsetRow {
  const input = ["m", ...initializers.map(({ name }) => name)];
  const forms = [first, 18, 23].map((opset) => ({
    opset,
    nodes: [node(op, input, "z", attributes)],
    initializers,
  }));
  return { name: op, forms, ...(output && { output }) };
}

export function same(opset: number, op: string, attributes: Attributes = {}): OpsetForm {
  return { opset, nodes: [node(op, ["m"], "z", attributes)] };
}

export function perChannel(channels: number, ...names: readonly string[]): readonly TensorProto[] {
  return names.map((name, index) => floats(name, [channels], numbers(channels, index)));
}

export function scalars(values: Readonly<Record<string, number>>): readonly TensorProto[] {
  return Object.entries(values).map(([name, each]) => floats(name, [], [each]));
}

/** Between 0.2 and 1.2, no two alike. */
export function numbers(length: number, offset = 0): readonly number[] {
  return Array.from({ length }, (_, index) => 0.2 + (((index + 7 * offset) * 0.618) % 1));
}
