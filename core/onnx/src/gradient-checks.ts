import { SeededRandom } from "@selvedge/protocol";
import { add, cast, div, mul, square } from "./arithmetic.ts";
import { backward } from "./backward.ts";
import { type CheckInput, caseInputs, caseNode, emitCase, pointOf } from "./case-graph.ts";
import type { ComposeMode } from "./composition.ts";
import type { CheckedSignatures, GradientCase } from "./gradient-case.ts";
import { loopCases } from "./gradient-cases/loop.ts";
import { type ScanCase, scanCases } from "./gradient-cases/scan.ts";
import { gradientCases, type LossCase, lossCases } from "./gradient-cases.ts";
import { sumAll } from "./gradient-families.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import { type Loss, type LossName, lossRule } from "./losses.ts";
import { serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";
import { sizeOf } from "./shape.ts";

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

export type { CheckInput };

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
    ...[...scanCases, ...loopCases].map(scanCheck),
    ...lossChecks(),
  ];
}

function lossChecks(): GradientCheck[] {
  const checks = <Name extends LossName>(loss: Name) => lossCases[loss].map((each) => lossCheck(loss, each));
  return (Object.keys(lossCases) as LossName[]).flatMap((loss) => checks(loss));
}

function operatorCheck<Op extends keyof CheckedSignatures>(op: Op, each: GradientCase<Op>): GradientCheck {
  const g = new GraphBuilder();
  const name = `${op}: ${each.name}`;
  const { type = "float64" } = each;
  const { inputs, points, wanted } = caseInputs(g, name, each, type);
  const all = emitCase(g, caseNode(op, each), inputs, trainingMode(g));
  const floats = all.filter(({ type }) => type.startsWith("float"));
  const outputs = floats.filter((_, index) => each.outputs?.includes(index) ?? true);
  return squareCheck(g, { name, type, inputs: points }, outputs, wanted);
}

/** The check of anything that can be emitted. */
export function scanCheck({ name, inputs: shapes, isBatch = false, emit }: ScanCase): GradientCheck {
  const g = new GraphBuilder();
  const inputs = shapes.map((shape, index) => {
    return {
      name: `input${index}`,
      shape,
      data: pointOf(shape, SeededRandom.fromSeed(name, index), undefined),
    };
  });
  const wanted = inputs.map(({ name, shape }) =>
    g.input(name, "float64", isBatch ? ["n", ...shape.slice(1)] : shape),
  );
  return squareCheck(g, { name, type: "float64", inputs }, emit(g, wanted), wanted);
}

/** The check of L = ½Σy² over some outputs, so that dy = y: a gradient that differs from element to element. */
function squareCheck(
  g: GraphBuilder,
  check: Omit<GradientCheck, "model">,
  outputs: readonly Value[],
  wanted: readonly Value[],
): GradientCheck {
  const tape = [...g.tape];
  const sums = outputs.map((output) => sumAll(g, square(g, cast(g, output, "float64"))));
  g.output(
    lossOutput,
    mul(
      g,
      sums.reduce((sum, next) => add(g, sum, next)),
      0.5,
    ),
  );
  const seeds = outputs.map((output) => ({ output, gradient: output }));
  outputGradients(g, wanted, backward(g, tape, seeds, wanted));
  return { ...check, model: serializeModel(g.toModel(check.name)) };
}

function lossCheck<Name extends LossName>(loss: Name, each: LossCase<Name>): GradientCheck {
  const g = new GraphBuilder();
  const { output: shape, options } = each;
  const name = `${loss}: ${each.name}`;
  const rule = lossRule({ ...options, name: loss } as Loss);
  const output = g.input("output", "float64", shape);
  const random = SeededRandom.fromSeed(name);
  const target = targetFor(rule.target(shape.slice(1)), each, random);
  const result = rule.emit(g, output, g.constant(target.data, target.shape));
  g.output(lossOutput, div(g, result.sum, result.weight));
  const factor = div(g, g.scalar(1, "float64"), result.weight);
  outputGradients(g, [output], [result.gradient(factor)]);
  return {
    name,
    model: serializeModel(g.toModel(name)),
    type: "float64",
    inputs: [{ name: "output", shape, data: pointOf(shape, random, undefined) }],
  };
}

/** Classes by chance; numbers that may be distributions along every axis but the first: positive, at most 1. */
function targetFor<Name extends LossName>(
  { type, shape: example, classes }: TargetFormat,
  { output: [batch], labels = [] }: LossCase<Name>,
  random: SeededRandom,
): { readonly shape: readonly number[]; readonly data: Int32Array | Float64Array } {
  const shape = [batch, ...example];
  const length = sizeOf(shape);
  if (type === "float32") return { shape, data: Float64Array.from({ length }, () => random.uniform()) };
  return {
    shape,
    data: Int32Array.from({ length }, (_, index) => labels[index] ?? random.integer(classes ?? 1)),
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

function trainingMode(g: GraphBuilder): ComposeMode {
  return {
    training: true,
    noise: { seed: g.integer(7), step: g.integer(3), stream: () => 1 },
    latest: (parameter) => parameter,
    update: () => {},
  };
}

/** Pairs of a table whose keys are known; each value keeps the type its key gives it in the table. */
function entries<Table extends object>(table: Table): [keyof Table, Table[keyof Table]][] {
  return Object.entries(table) as [keyof Table, Table[keyof Table]][];
}
