import { SelvedgeError } from "@selvedge/protocol";
import { decodeAttribute } from "./attributes.ts";
import { describeModel, type TensorDescription } from "./describe-model.ts";
import { type ElementType, elementTypeOf } from "./element-type.ts";
import type { NodeProto, TensorProto } from "./gen/onnx/onnx_pb.js";
import { GraphBuilder, type Numbers } from "./graph-builder.ts";
import type { OnnxModel } from "./model.ts";
import { type AttributeKind, TypeMismatch, type Value } from "./operator.ts";
import { type AttributesOf, type InputsOf, isOperator, type Operator, operators } from "./operators.ts";
import { type ParameterLayout, parameterLayout } from "./parameters.ts";
import { describeShape } from "./shape.ts";
import { dimensionsOf, numbersOf } from "./tensor-proto.ts";
import { describeNode } from "./validate-model.ts";

/** A model read as a differentiable function of one batch of examples and its parameters. */
export interface ForwardGraph {
  /** Shape of one example, without the batch. */
  readonly inputShape: readonly number[];
  /** Scores per example. */
  readonly classes: number;
  readonly layout: ParameterLayout;
  /**
   * Emits the model's nodes into a graph.
   *
   * @param input float32 [batch, ...inputShape]
   * @param parameters in the order of the layout
   * @returns the model's output, float32 [batch, classes]
   */
  emit(graph: GraphBuilder, input: Value, parameters: readonly Value[]): Value;
}

/**
 * @throws SelvedgeError `unsupported`, naming node and operator, for what cannot be trained:
 *   an operator without a rule, several inputs or outputs, a fixed batch, an old operator set
 */
export function readForwardGraph(model: OnnxModel): ForwardGraph {
  checkOpset(model);
  const { inputs, outputs } = describeModel(model);
  const [input, ...otherInputs] = inputs;
  const [output, ...otherOutputs] = outputs;
  if (input === undefined || output === undefined || otherInputs.length + otherOutputs.length > 0) {
    throw new SelvedgeError(
      "unsupported",
      `only models of one input and one output can be trained, not ${inputs.length} and ${outputs.length}`,
      { fix: "export a model that takes one tensor and gives raw scores" },
    );
  }
  for (const node of model.graph?.node ?? []) checkOperator(node);
  const inputShape = exampleShape(input);
  const layout = parameterLayout(model);
  const emit: ForwardGraph["emit"] = (graph, batch, parameters) => {
    const values = constantsOf(model, layout, graph).set(input.name, batch);
    for (const [index, { name }] of layout.slots.entries()) {
      const parameter = parameters[index];
      if (parameter !== undefined) values.set(name, parameter);
    }
    for (const node of model.graph?.node ?? []) emitNode(graph, node, values);
    return lookUp(values, output.name);
  };
  return { inputShape, classes: inferClasses(inputShape, layout, emit), layout, emit };
}

/** Emits the model once, only to learn the shape of its output. */
function inferClasses(
  inputShape: readonly number[],
  layout: ParameterLayout,
  emit: ForwardGraph["emit"],
): number {
  const g = new GraphBuilder();
  const input = g.input("input", "float32", ["batch", ...inputShape]);
  const parameters = layout.slots.map(({ name, shape }) => g.input(`parameter/${name}`, "float32", shape));
  const { shape } = emit(g, input, parameters);
  const [batch, classes, more] = shape;
  if (batch === "batch" && typeof classes === "number" && more === undefined) return classes;
  throw new SelvedgeError("unsupported", `the model gives ${describeShape(shape)}, not scores per example`, {
    fix: "export a model whose output is [batch, classes]",
  });
}

function checkOpset(model: OnnxModel): void {
  const version =
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 0n;
  if (version >= opsetMin) return;
  throw new SelvedgeError("unsupported", `the model is of ONNX operator set ${version}`, {
    fix: `export it with operator set ${opsetMin} or later`,
  });
}

function exampleShape({ name, type, shape }: TensorDescription): readonly number[] {
  const [batch, ...example] = shape;
  const at = `input "${name}"`;
  if (batch !== -1) {
    throw new SelvedgeError("unsupported", `the batch dimension is fixed: ${describeShape(shape)}`, {
      at,
      fix: "export the model with a dynamic first dimension",
    });
  }
  if (type !== "float32" || example.includes(-1)) {
    throw new SelvedgeError(
      "unsupported",
      `only float32 of fixed size can be trained on: ${type} ${describeShape(shape)}`,
      {
        at,
        fix: "export the model with a float32 input whose dimensions, except the first, are fixed",
      },
    );
  }
  return example;
}

function checkOperator(node: NodeProto): void {
  if (isOperator(node.opType) || node.opType === "Constant" || node.opType === "Identity") return;
  throw new SelvedgeError("unsupported", `there is no gradient rule for the operator ${node.opType}`, {
    at: describeNode(node),
    fix: `use a model of these operators: ${Object.keys(operators).join(", ")}`,
  });
}

function emitNode(graph: GraphBuilder, node: NodeProto, values: Map<string, Value>): void {
  const [output = ""] = node.output;
  if (node.opType === "Constant") {
    const tensor = node.attribute.find((attribute) => attribute.name === "value")?.t;
    if (tensor === undefined) throw unsupportedForm(node, "it holds no tensor");
    values.set(output, constantFrom(graph, tensor));
  } else if (node.opType === "Identity") {
    values.set(output, lookUp(values, node.input[0] ?? ""));
  } else if (isOperator(node.opType)) {
    values.set(output, emitOperator(graph, node.opType, node, values));
  }
}

function emitOperator<Op extends Operator>(
  graph: GraphBuilder,
  op: Op,
  node: NodeProto,
  values: ReadonlyMap<string, Value>,
): Value {
  // Optional inputs at the end may be given as empty names.
  const given = node.input.slice(0, node.input.findLastIndex((name) => name !== "") + 1);
  const inputs = given.map((name) => (name === "" ? undefined : lookUp(values, name)));
  const [least, most] = operators[op].arity;
  if (inputs.length < least || inputs.length > most)
    throw unsupportedForm(node, `it has ${inputs.length} inputs`);
  try {
    // The arity was checked; names and kinds of the attributes are by decodeAttributes.
    return emitFast(graph, op, inputs as unknown as InputsOf<Op>, decodeAttributes(op, node));
  } catch (thrown) {
    if (thrown instanceof TypeMismatch) throw unsupportedForm(node, thrown.message);
    throw thrown;
  }
}

/**
 * max(relu(x)) = relu(max(x)), and there are fewer values to rectify after the
 * pool. The first Relu is left out of the graph unless something else reads it.
 */
function emitFast<Op extends Operator>(
  graph: GraphBuilder,
  op: Op,
  inputs: InputsOf<Op>,
  attributes: AttributesOf<Op>,
): Value {
  const [input] = inputs;
  const before = op === "MaxPool" && input !== undefined ? graph.producerOf(input) : undefined;
  if (before?.op !== "Relu") return graph.node(op, inputs, attributes);
  const pooled = graph.node("MaxPool", before.inputs, attributes as AttributesOf<"MaxPool">);
  return graph.node("Relu", [pooled], {});
}

function decodeAttributes<Op extends Operator>(op: Op, node: NodeProto): AttributesOf<Op> {
  const kinds: Readonly<Record<string, AttributeKind>> = operators[op].attributes;
  const entries = node.attribute.map((attribute) => {
    const kind = Object.hasOwn(kinds, attribute.name) ? kinds[attribute.name] : undefined;
    const value = kind === undefined ? undefined : decodeAttribute(attribute, kind);
    if (value === undefined) throw unsupportedForm(node, `attribute "${attribute.name}" is not known`);
    return [attribute.name, value];
  });
  return Object.fromEntries(entries) as AttributesOf<Op>;
}

function constantsOf(model: OnnxModel, layout: ParameterLayout, graph: GraphBuilder): Map<string, Value> {
  const trained = new Set(layout.slots.map((slot) => slot.name));
  const constants = (model.graph?.initializer ?? []).filter((tensor) => !trained.has(tensor.name));
  return new Map(constants.map((tensor) => [tensor.name, constantFrom(graph, tensor)]));
}

function constantFrom(graph: GraphBuilder, tensor: TensorProto): Value {
  const pack = packers[elementTypeOf(tensor.dataType) ?? "string"];
  if (pack === undefined) {
    throw new SelvedgeError(
      "unsupported",
      `constants of element type ${tensor.dataType} cannot be trained with`,
      {
        at: `tensor "${tensor.name}"`,
        fix: "store constants as float32, float64, int32 or int64",
      },
    );
  }
  return graph.constant(pack(numbersOf(tensor)), dimensionsOf(tensor));
}

const packers: { readonly [Type in ElementType]?: (values: readonly number[]) => Numbers } = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
};

function lookUp(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new SelvedgeError("corrupt", `"${name}" is used before it is produced`);
  return value;
}

function unsupportedForm(node: NodeProto, why: string): SelvedgeError {
  return new SelvedgeError("unsupported", `this use of ${node.opType} cannot be trained: ${why}`, {
    at: describeNode(node),
    fix: "export the model with fixed shapes, except for the batch, and standard attributes",
  });
}

/** From here on the operators that we train mean the same as in the set we emit. */
const opsetMin = 13n;
