import { create } from "@bufbuild/protobuf";
import { SeededRandom } from "@selvedge/protocol";
import { cast, mul, square } from "./arithmetic.ts";
import { encodeAttribute } from "./attributes.ts";
import { backward } from "./backward.ts";
import { compositions, isComposed } from "./compositions.ts";
import { elementTypes } from "./element-type.ts";
import { emitNode, lookUp } from "./emit-node.ts";
import { NodeProtoSchema } from "./gen/onnx/onnx_pb.js";
import type { CheckedSignatures, ConstantInput, GradientCase } from "./gradient-case.ts";
import { gradientCases, type LossCase, lossCases } from "./gradient-cases.ts";
import { sumAll } from "./gradient-families.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type LossName, losses } from "./losses.ts";
import { serializeModel } from "./model.ts";
import type { AttributeKind, Value } from "./operator.ts";
import { isOperator, operators } from "./operators.ts";
import { type Shape, sizeOf } from "./shape.ts";

/** A graph that gives a scalar and its gradients, and a point to compare them at. */
export interface GradientCheck {
  readonly name: string;
  /**
   * ONNX bytes: the inputs below; outputs {@link lossOutput}, always float64, and, per
   * input, {@link gradientOutput}.
   */
  readonly model: Uint8Array;
  /** Of the inputs and their gradients. */
  readonly type: "float32" | "float64";
  readonly inputs: readonly CheckInput[];
}

export interface CheckInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const lossOutput = "loss";

export function gradientOutput(input: CheckInput): string {
  return `gradient/${input.name}`;
}

/**
 * A check for every case of every rule and loss. Whoever has a runtime runs
 * them: analytic gradients must equal central differences of the loss.
 */
export function gradientChecks(): GradientCheck[] {
  return [
    ...entries(gradientCases).flatMap(([op, cases]) => cases.map((each) => operatorCheck(op, each))),
    ...entries(lossCases).flatMap(([loss, cases]) => cases.map((each) => lossCheck(loss, each))),
  ];
}

function operatorCheck<Op extends keyof CheckedSignatures>(op: Op, each: GradientCase<Op>): GradientCheck {
  const g = new GraphBuilder();
  const name = `${op}: ${each.name}`;
  const { type = "float64", at } = each;
  const points: CheckInput[] = [];
  const wanted: Value[] = [];
  const inputs = each.inputs.map((input, index) => {
    if (input === undefined) return undefined;
    if (!isShape(input)) return constant(g, input);
    const sizes = input.map((size) => (typeof size === "number" ? size : (each.sizes?.[size] ?? 1)));
    points.push({
      name: `x${index}`,
      shape: sizes,
      data: pointOf(sizes, SeededRandom.fromSeed(name, index), at),
    });
    const value = g.input(`x${index}`, type, input);
    wanted.push(value);
    return value;
  });
  const output = emitCase(g, op, inputs, each.attributes);
  const tape = [...g.tape];
  // L = ½Σy², so dy = y: a gradient that differs from element to element.
  const exact = cast(g, output, "float64");
  g.output(lossOutput, mul(g, sumAll(g, square(g, exact)), 0.5));
  outputGradients(g, wanted, backward(g, tape, output, output, wanted));
  return { name, model: serializeModel(g.toModel(name)), type, inputs: points };
}

/** Emits the operator as a file's node would be read; of several outputs the last is taken. */
function emitCase<Op extends keyof CheckedSignatures>(
  g: GraphBuilder,
  op: Op,
  inputs: readonly (Value | undefined)[],
  attributes: object,
): Value {
  const values = new Map<string, Value>();
  for (const [index, value] of inputs.entries()) if (value) values.set(`input${index}`, value);
  const kinds: Readonly<Record<string, AttributeKind>> = {
    ...(isOperator(op) ? operators[op].attributes : {}),
    ...(isComposed(op) ? compositions[op].attributes : {}),
  };
  const node = create(NodeProtoSchema, {
    opType: op,
    input: inputs.map((value, index) => (value === undefined ? "" : `input${index}`)),
    output: outputNames,
    attribute: Object.entries(attributes).map(([name, value]) =>
      encodeAttribute(name, kinds[name] ?? "int", value),
    ),
  });
  emitNode(g, node, values, { training: true, update: () => {} });
  const last = outputNames.findLast((name) => values.has(name));
  return lookUp(values, last ?? "");
}

const outputNames = ["first", "second", "third"];

function lossCheck(loss: LossName, { name: caseName, batch, classes }: LossCase): GradientCheck {
  const g = new GraphBuilder();
  const name = `${loss}: ${caseName}`;
  const scores = g.input("scores", "float64", [batch, classes]);
  const random = SeededRandom.fromSeed(name);
  const labels = g.constant(Int32Array.from({ length: batch }, () => random.integer(classes)));
  const rule = losses[loss](g, scores, labels);
  g.output(lossOutput, rule.sum);
  outputGradients(g, [scores], [rule.gradient(g.scalar(1, "float64"))]);
  const data = pointOf([batch, classes], random, undefined);
  return {
    name,
    model: serializeModel(g.toModel(name)),
    type: "float64",
    inputs: [{ name: "scores", shape: [batch, classes], data }],
  };
}

function outputGradients(
  g: GraphBuilder,
  inputs: readonly Value[],
  gradients: readonly (Value | undefined)[],
): void {
  for (const [index, { name }] of inputs.entries()) {
    const gradient = gradients[index];
    if (gradient !== undefined) g.output(`gradient/${name}`, gradient);
  }
}

function pointOf(
  shape: readonly number[],
  random: SeededRandom,
  at: "positive" | "distinct" | undefined,
): Float64Array {
  const length = sizeOf(shape);
  if (at === "distinct") {
    const order = Int32Array.from({ length }, (_, index) => index);
    random.shuffle(order);
    return Float64Array.from(order, (rank) => (rank - Math.floor(length / 2)) / 4 + 0.1);
  }
  return Float64Array.from({ length }, () => {
    const value = random.normal();
    return at === "positive" ? Math.abs(value) + 0.5 : value + Math.sign(value) * 0.1;
  });
}

function isShape(input: Shape | ConstantInput): input is Shape {
  return Array.isArray(input);
}

function constant(g: GraphBuilder, { type, values, shape }: ConstantInput): Value {
  if (type === "float32") return g.constant(Float32Array.from(values), shape);
  if (type === "float64") return g.constant(Float64Array.from(values), shape);
  const integers = g.constant(BigInt64Array.from(values, BigInt), shape);
  return type === "bool" ? g.node("Cast", [integers], { to: elementTypes.bool.code }) : integers;
}

/** Pairs of a table whose keys are known; each value keeps the type its key gives it in the table. */
function entries<Table extends object>(table: Table): [keyof Table, Table[keyof Table]][] {
  return Object.entries(table) as [keyof Table, Table[keyof Table]][];
}
