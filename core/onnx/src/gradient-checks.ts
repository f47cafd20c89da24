import { SeededRandom } from "@selvedge/protocol";
import { backward } from "./backward.ts";
import { type GradientCase, gradientCases, type LossCase, lossCases } from "./gradient-cases.ts";
import { sumAll } from "./gradient-families.ts";
import type { TrainableOperator } from "./gradient-rules.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type LossName, losses } from "./losses.ts";
import { serializeModel } from "./model.ts";
import type { InputsOf, Value } from "./operators.ts";
import { sizeOf } from "./shape.ts";

/** A float64 graph that gives a scalar and its gradients, and a point to compare them at. */
export interface GradientCheck {
  readonly name: string;
  /** ONNX bytes: the inputs below; outputs {@link lossOutput} and, per input, {@link gradientOutput}. */
  readonly model: Uint8Array;
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

function operatorCheck<Op extends TrainableOperator>(op: Op, each: GradientCase<Op>): GradientCheck {
  const g = new GraphBuilder();
  const name = `${op}: ${each.name}`;
  const inputs = each.inputs.map((shape, index) => {
    const sizes = shape.map((size) => (typeof size === "number" ? size : (each.sizes?.[size] ?? 1)));
    return { value: g.input(`x${index}`, "float64", shape), point: pointOf(`x${index}`, sizes, name) };
  });
  const values = inputs.map(({ value }) => value);
  const integers = each.integers === undefined ? [] : [g.integers(...each.integers)];
  // The cases list as many inputs as their operator takes.
  const output = g.node(op, [...values, ...integers] as unknown as InputsOf<Op>, each.attributes);
  const tape = [...g.tape];
  // L = ½Σy², so dy = y: a gradient that differs from element to element.
  const half = g.node("Mul", [g.node("Mul", [output, output], {}), g.scalar(0.5, "float64")], {});
  g.output(lossOutput, sumAll(g, half));
  outputGradients(g, values, backward(g, tape, output, output, values));
  return { name, model: serializeModel(g.toModel(name)), inputs: inputs.map(({ point }) => point) };
}

function lossCheck(loss: LossName, { name: caseName, batch, classes }: LossCase): GradientCheck {
  const g = new GraphBuilder();
  const name = `${loss}: ${caseName}`;
  const scores = g.input("scores", "float64", [batch, classes]);
  const random = SeededRandom.fromSeed(name);
  const labels = g.constant(Int32Array.from({ length: batch }, () => random.integer(classes)));
  const rule = losses[loss](g, scores, labels);
  g.output(lossOutput, rule.sum);
  outputGradients(g, [scores], [rule.gradient(g.scalar(1, "float64"))]);
  return {
    name,
    model: serializeModel(g.toModel(name)),
    inputs: [pointOf("scores", [batch, classes], name)],
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

/** Values at least 0.1 from zero, where the derivatives of some operators jump. */
function pointOf(name: string, shape: readonly number[], seed: string): CheckInput {
  const random = SeededRandom.fromSeed(seed, name);
  const data = Float64Array.from({ length: sizeOf(shape) }, () => {
    const value = random.normal();
    return value + Math.sign(value) * 0.1;
  });
  return { name, shape, data };
}

/** Pairs of a table whose keys are known; each value keeps the type its key gives it in the table. */
function entries<Table extends object>(table: Table): [keyof Table, Table[keyof Table]][] {
  return Object.entries(table) as [keyof Table, Table[keyof Table]][];
}
