import { SelvedgeError } from "@selvedge/protocol";
import { decodeAttribute } from "./attributes.ts";
import type { ComposeMode } from "./composition.ts";
import {
  type ComposedOperator,
  type CompositionSignatures,
  compositions,
  isComposed,
} from "./compositions.ts";
import { constantFrom } from "./constant-from.ts";
import { lookUp } from "./emit-body.ts";
import { emitLoop } from "./emit-loop.ts";
import { emitScan } from "./emit-scan.ts";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder } from "./graph-builder.ts";
import { type AttributeKind, TypeMismatch, type Value } from "./operator.ts";
import { operatorAdvice } from "./operator-advice.ts";
import { type AttributesOf, type InputsOf, isOperator, type Operator, operators } from "./operators.ts";
import { type Named, sequenceAt, splitToSequence } from "./sequences.ts";
import { describeNode } from "./validate-model.ts";

/**
 * Emits one node of a user's model.
 *
 * @param values by name; the node's outputs are added
 * @throws SelvedgeError `unsupported`, naming node and operator, for what cannot be trained
 */
export function emitNode(
  graph: GraphBuilder,
  node: NodeProto,
  values: Map<string, Named>,
  mode: ComposeMode,
): void {
  const around = graph.at;
  graph.at = describeNode(node);
  try {
    const outputs = outputsOf(graph, node, values, mode);
    for (const [index, name] of node.output.entries()) {
      const output = outputs[index];
      // What is not there is missed by the node that reads it, if any.
      if (name !== "" && output !== undefined) values.set(name, output);
    }
  } catch (thrown) {
    if (thrown instanceof TypeMismatch) throw unsupportedForm(node, thrown.message);
    throw thrown;
  } finally {
    graph.at = around;
  }
}

/** @throws SelvedgeError `unsupported` for an operator that we do not know */
export function checkOperator(node: NodeProto): void {
  if (readHere.includes(node.opType) || isOperator(node.opType) || isComposed(node.opType)) return;
  const fix =
    node.domain === "ai.onnx.ml"
      ? "export the network alone, without the scalers, encoders and trees of ai.onnx.ml"
      : "replace it by operators that are trained: docs/reference/models.md lists them";
  throw new SelvedgeError("unsupported", `there is no gradient rule for the operator ${node.opType}`, {
    at: describeNode(node),
    fix: operatorAdvice(node.opType) ?? fix,
  });
}

/** Operators that are no nodes of our graphs: what they give is known, or the graphs in them are read instead. */
const readHere: readonly string[] = [
  "Constant",
  "ConstantOfShape",
  "If",
  "Loop",
  "Scan",
  "SequenceAt",
  "SplitToSequence",
];

function outputsOf(
  graph: GraphBuilder,
  node: NodeProto,
  values: ReadonlyMap<string, Named>,
  mode: ComposeMode,
): readonly Named[] {
  if (node.opType === "Constant") return [constantOf(graph, node)];
  if (node.opType === "If") return branchOf(graph, node, values, mode);
  if (node.opType === "Scan") return emitScan(graph, node, values, mode, emitInner);
  if (node.opType === "Loop") return emitLoop(graph, node, values, mode, emitInner);
  if (node.opType === "SequenceAt") {
    const [sequence = "", position = ""] = node.input;
    return [sequenceAt(graph, values.get(sequence), lookUp(values, position))];
  }
  const inputs = inputsOf(graph, node, values);
  if (node.opType === "ConstantOfShape") return [constantOfShape(graph, node, inputs)];
  if (node.opType === "SplitToSequence") return [splitToSequence(graph, node, inputs)];
  // Of some operators we emit one form only: the others are compositions of it.
  if (isComposed(node.opType)) return [emitComposition(graph, node.opType, node, inputs, mode)].flat();
  if (isOperator(node.opType)) return emitOperator(graph, node.opType, node, inputs);
  throw new TypeMismatch("it is not known");
}

/** Optional inputs may be given as empty names; those at the end are left out. */
function inputsOf(
  graph: GraphBuilder,
  node: NodeProto,
  values: ReadonlyMap<string, Named>,
): (Value | undefined)[] {
  const given = node.input.slice(0, node.input.findLastIndex((name) => name !== "") + 1);
  const inputs = given.map((name) => (name === "" ? undefined : lookUp(values, name)));
  // Before operator set 18 reductions had their axes as an attribute.
  const axes = node.opType.startsWith("Reduce") && node.attribute.find(({ name }) => name === "axes");
  return axes ? [inputs[0], graph.integers(...axes.ints.map(Number))] : inputs;
}

function emitOperator<Op extends Operator>(
  graph: GraphBuilder,
  op: Op,
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
): readonly Value[] {
  checkArity(inputs, operators[op].arity, operators[op].unused);
  // The arity was checked; names and kinds of the attributes are by decodeAttributes.
  // Before operator set 18 the number of a split's outputs said how many parts there are.
  const implied = op === "Split" && inputs.length === 1 ? { num_outputs: node.output.length } : {};
  const attributes = { ...implied, ...decodeAttributes(node, operators[op]) };
  return emitFast(graph, op, inputs as unknown as InputsOf<Op>, attributes as AttributesOf<Op>);
}

function emitComposition<Op extends ComposedOperator>(
  graph: GraphBuilder,
  op: Op,
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  mode: ComposeMode,
): Value | readonly Value[] {
  checkArity(inputs, compositions[op].arity);
  const attributes = decodeAttributes(node, compositions[op]);
  return compositions[op].compose(
    graph,
    inputs as unknown as CompositionSignatures[Op]["inputs"],
    attributes as CompositionSignatures[Op]["attributes"],
    mode,
  );
}

/**
 * max(relu(x)) = relu(max(x)), and there are fewer values to rectify after the
 * pool. The first Relu is left out of the graph unless something else reads it.
 * A shape that is known but for the batch is better given as a constant.
 */
function emitFast<Op extends Operator>(
  graph: GraphBuilder,
  op: Op,
  inputs: InputsOf<Op>,
  attributes: AttributesOf<Op>,
): readonly Value[] {
  const [x, second] = inputs;
  if (op === "MaxPool" && x !== undefined) {
    const before = graph.producerOf(x);
    if (before?.op === "Relu") {
      const pooled = graph.node("MaxPool", before.inputs, attributes as AttributesOf<"MaxPool">);
      return [graph.node("Relu", [pooled], {})];
    }
  }
  if (op === "Reshape" && x !== undefined && second !== undefined) {
    const { allowzero = 0 } = attributes as AttributesOf<"Reshape">;
    const contents = graph.contentsOf(second);
    const target = contents?.map((size, axis) => {
      if (typeof size === "number") return size;
      return size === x.shape[axis] ? 0 : -1;
    });
    const isPlain = !(allowzero && contents?.includes(0));
    if (target !== undefined && isPlain && target.filter((size) => size === -1).length <= 1) {
      // A zero copies the input's size.
      return [graph.node("Reshape", [x, graph.integers(...target)], { allowzero: 0 })];
    }
  }
  return graph.outputs(op, inputs, attributes);
}

function checkArity(
  inputs: readonly (Value | undefined)[],
  [least, most]: readonly [number, number],
  unused: readonly number[] = [],
): void {
  const missing = inputs
    .slice(0, least)
    .some((input, index) => input === undefined && !unused.includes(index));
  if (inputs.length < least || inputs.length > most || missing) {
    throw new TypeMismatch(`it has ${inputs.filter((input) => input !== undefined).length} inputs`);
  }
}

function decodeAttributes(
  node: NodeProto,
  {
    attributes: kinds,
    required = [],
  }: {
    readonly attributes: Readonly<Record<string, AttributeKind>>;
    readonly required?: readonly string[];
  },
): object {
  const given = node.attribute.filter(({ name }) => !(name === "axes" && node.opType.startsWith("Reduce")));
  const missing = required.find((name) => !given.some((attribute) => attribute.name === name));
  if (missing !== undefined) throw new TypeMismatch(`attribute "${missing}" is missing`);
  return Object.fromEntries(
    given.map((attribute) => {
      const kind = Object.hasOwn(kinds, attribute.name) ? kinds[attribute.name] : undefined;
      const value = kind === undefined ? undefined : decodeAttribute(attribute, kind);
      if (value === undefined) throw new TypeMismatch(`attribute "${attribute.name}" is not known`);
      return [attribute.name, value];
    }),
  );
}

/** The forms of Constant that exporters write: a tensor, a number or a list of them. */
function constantOf(graph: GraphBuilder, node: NodeProto): Value {
  const [attribute] = node.attribute;
  switch (attribute?.name) {
    case "value":
      if (attribute.t === undefined) throw new TypeMismatch("it holds no tensor");
      return constantFrom(graph, attribute.t);
    case "value_float":
      return graph.scalar(attribute.f, "float32");
    case "value_floats":
      return graph.constant(Float32Array.from(attribute.floats));
    case "value_int":
      return graph.constant(BigInt64Array.of(attribute.i), []);
    case "value_ints":
      return graph.constant(BigInt64Array.from(attribute.ints));
    default:
      throw new TypeMismatch("it holds no tensor");
  }
}

/** A node of a graph inside a node. */
function emitInner(
  graph: GraphBuilder,
  node: NodeProto,
  values: Map<string, Named>,
  mode: ComposeMode,
): void {
  checkOperator(node);
  emitNode(graph, node, values, mode);
}

/** Exporters ask for sizes that they do not know: the branch is taken before the run. */
function branchOf(
  graph: GraphBuilder,
  node: NodeProto,
  values: ReadonlyMap<string, Named>,
  mode: ComposeMode,
): readonly Value[] {
  const [holds] = graph.contentsOf(lookUp(values, node.input[0] ?? "")) ?? [];
  if (typeof holds !== "number") throw new TypeMismatch("its condition is not known before the run");
  const taken = holds === 0 ? "else_branch" : "then_branch";
  const branch = node.attribute.find(({ name }) => name === taken)?.g;
  if (branch === undefined) throw new TypeMismatch(`attribute "${taken}" is missing`);
  const inner = new Map(values);
  for (const tensor of branch.initializer) inner.set(tensor.name, constantFrom(graph, tensor));
  for (const each of branch.node) emitInner(graph, each, inner, mode);
  return branch.output.map(({ name }) => lookUp(inner, name));
}

function constantOfShape(
  graph: GraphBuilder,
  node: NodeProto,
  [shape]: readonly (Value | undefined)[],
): Value {
  if (shape === undefined) throw new TypeMismatch("it has no shape");
  const tensor = node.attribute.find(({ name }) => name === "value")?.t;
  const value = tensor === undefined ? graph.scalar(0, "float32") : constantFrom(graph, tensor);
  return graph.node("Expand", [graph.node("Reshape", [value, graph.integers(1)], {}), shape], {});
}

function unsupportedForm(node: NodeProto, why: string): SelvedgeError {
  return new SelvedgeError("unsupported", `this use of ${node.opType} cannot be trained: ${why}`, {
    at: describeNode(node),
    fix:
      operatorAdvice(node.opType) ??
      "export the model with fixed shapes, except for the batch, and standard attributes",
  });
}
