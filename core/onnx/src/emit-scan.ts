import { decodeAttribute } from "./attributes.ts";
import type { ComposeMode } from "./composition.ts";
import { constantFrom } from "./constant-from.ts";
import { type EmitNode, hoisted, insideLoop, lookUp, sameForm } from "./emit-body.ts";
import type { GraphProto, NodeProto } from "./gen/onnx/onnx_pb.js";
import { transpose } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { axisOf, TypeMismatch, type Value } from "./operator.ts";
import type { Named } from "./sequences.ts";

/**
 * ONNX Scan of a file: as we emit it, along the first axis of its sequences and from their first element on.
 *
 * @throws TypeMismatch for what does not fit together
 */
export function emitScan(
  g: GraphBuilder,
  node: NodeProto,
  outer: ReadonlyMap<string, Named>,
  mode: ComposeMode,
  emit: EmitNode,
): readonly Value[] {
  const { body, initial, sequences, results } = partsOf(g, node, outer);
  const names = body.input.map(({ name }) => name);
  const fixed = new Map(outer);
  for (const tensor of body.initializer) fixed.set(tensor.name, constantFrom(g, tensor));
  const rest = hoisted(g, body, fixed, results, insideLoop(mode), emit);
  const { carried, scanned } = g.scan(initial, (inner, entering, elementOf) => {
    const values = new Map(rest.fixed);
    const elements = sequences.map((sequence) => elementOf(sequence));
    for (const [index, value] of [...entering, ...elements].entries()) values.set(names[index] ?? "", value);
    for (const each of rest.nodes) emit(inner, each, values, insideLoop(mode));
    return {
      carried: initial.map((state, index) => sameForm(lookUp(values, results[index] ?? ""), state)),
      scanned: results.slice(initial.length).map((name) => lookUp(values, name)),
    };
  });
  const axes = integersOf(node, "scan_output_axes");
  const directions = integersOf(node, "scan_output_directions");
  return [
    ...carried,
    ...scanned.map((stack, index) => {
      const axis = axisOf(axes[index] ?? 0, stack.shape.length);
      const [, ...others] = stack.shape.keys();
      return transpose(g, inOrder(g, stack, directions[index]), others.toSpliced(axis, 0, 0));
    }),
  ];
}

interface ScanParts {
  readonly body: GraphProto;
  readonly initial: readonly Value[];
  /** Along their first axis. */
  readonly sequences: readonly Value[];
  /** Names in the body: of the states, and of what is stacked. */
  readonly results: readonly string[];
}

function partsOf(g: GraphBuilder, node: NodeProto, outer: ReadonlyMap<string, Named>): ScanParts {
  const body = node.attribute.find(({ name }) => name === "body")?.g;
  const [count = 0] = integersOf(node, "num_scan_inputs");
  const states = node.input.length - count;
  const isFit = body?.input.length === node.input.length && body.output.length >= Math.max(states, 1);
  if (body === undefined || count < 1 || states < 0 || !isFit)
    throw new TypeMismatch("its body does not fit its inputs");
  const inputs = node.input.map((name) => lookUp(outer, name));
  const axes = integersOf(node, "scan_input_axes");
  const directions = integersOf(node, "scan_input_directions");
  const sequences = inputs.slice(states).map((input, index) => {
    const axis = axisOf(axes[index] ?? 0, input.shape.length);
    const others = [...input.shape.keys()].filter((each) => each !== axis);
    return inOrder(g, transpose(g, input, [axis, ...others]), directions[index]);
  });
  const results = body.output.map(({ name }) => name);
  return { body, initial: inputs.slice(0, states), sequences, results };
}

/** Turned around where the direction is 1: from the last to the first. */
function inOrder(g: GraphBuilder, sequence: Value, direction: number | undefined): Value {
  if (direction !== 1) return sequence;
  const [last, first] = [g.integers(-1), g.integers(-(2 ** 31))];
  return g.node("Slice", [sequence, last, first, g.integers(0), g.integers(-1)], {});
}

function integersOf(node: NodeProto, name: string): readonly number[] {
  const attribute = node.attribute.find((each) => each.name === name);
  const value = attribute && (decodeAttribute(attribute, "ints") ?? decodeAttribute(attribute, "int"));
  return [value ?? []].flat().map(Number);
}
