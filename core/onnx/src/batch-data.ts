import { SelvedgeError } from "@selvedge/protocol";
import { cast, mul } from "./arithmetic.ts";
import type { ForwardGraph } from "./forward-graph.ts";
import { unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import type { Value } from "./operator.ts";
import { ports } from "./ports.ts";

/** How the examples lie in memory, and what turns them into what the model sees. */
export interface InputFormat {
  readonly inputType: "uint8" | "float32" | "int32";
  /** A model of float32 sees `input * scale`; 1/255 for 8-bit images. */
  readonly scale: number;
  /** Then it sees that minus `offsets`, times `factors`: one of each for every number of an example. */
  readonly scaling?: InputScaling;
  /** Whether what the model sees is also what it learns: then there are no labels. */
  readonly learnsInput?: boolean;
}

/** A linear change of each number of an example, row-major. */
export interface InputScaling {
  readonly offsets: Float32Array;
  readonly factors: Float32Array;
}

/** Examples with what is to be learned of them. */
export interface Examples {
  /** [batch, ...inputShape] as the model takes it, scaled. */
  readonly input: Value;
  /** [batch, ...], in the target's format. */
  readonly labels: Value;
}

export interface BatchDataOptions {
  readonly forward: ForwardGraph;
  readonly target: TargetFormat;
  readonly format: InputFormat;
}

/** A dataset outside the loop, and how its examples become what the model sees. */
export interface BatchData {
  readonly forward: ForwardGraph;
  readonly format: InputFormat;
  readonly examples: Value;
  /** Undefined where the input is learned. */
  readonly labels: Value | undefined;
  /** Of what is learned of one example. */
  readonly targetShape: readonly number[];
  readonly order: Value;
  readonly batchSize: Value;
}

/** Declares the inputs that a dataset comes through. */
export function batchData(g: GraphBuilder, { forward, target, format }: BatchDataOptions): BatchData {
  const { learnsInput = false } = format;
  if (learnsInput) checkLearnsInput(forward, target);
  return {
    ...{ forward, format, targetShape: target.shape },
    examples: g.input(ports.examples, format.inputType, ["examples", ...forward.inputShape]),
    labels: learnsInput ? undefined : g.input(ports.labels, target.type, ["examples", ...target.shape]),
    order: g.input(ports.order, "int32", ["order"]),
    batchSize: g.input(ports.batchSize, "int64", []),
  };
}

/** Of a list cut into parts of `size`, the one of this number; the last may be short. */
export function partOf(
  g: GraphBuilder,
  list: Value,
  { number, size, end }: { readonly number: Value; readonly size: Value; readonly end: Value },
): Value {
  const start = g.node("Mul", [number, size], {});
  const next = g.node("Add", [start, size], {});
  const from = unsqueeze(g, start, 0);
  return g.node("Slice", [list, from, g.node("Min", [unsqueeze(g, next, 0), end], {})], {});
}

/** Those of some of the indices. */
export function examplesOf(
  g: GraphBuilder,
  { forward, format, examples, labels, targetShape }: BatchData,
  indices: Value,
): Examples {
  const gathered = g.node("Gather", [examples, indices], { axis: 0 });
  const { inputShape, inputType } = forward;
  const input =
    inputType === "float32" ? scaled(g, gathered, format, inputShape) : cast(g, gathered, inputType);
  if (labels === undefined) return { input, labels: reshaped(g, input, targetShape) };
  return { input, labels: g.node("Gather", [labels, indices], { axis: 0 }) };
}

/** @throws SelvedgeError `unsupported` for a model that does not give what it takes, or a loss of classes */
function checkLearnsInput({ inputShape, inputType }: ForwardGraph, target: TargetFormat): void {
  const size = (shape: readonly number[]): number => shape.reduce((product, each) => product * each, 1);
  if (inputType === "float32" && target.type === "float32" && size(inputShape) === size(target.shape)) return;
  const [takes, learns] = [inputShape, target.shape].map((shape) => `[${["batch", ...shape].join(", ")}]`);
  throw new SelvedgeError(
    "unsupported",
    `the model takes ${inputType} ${takes}, and its loss learns ${target.type} ${learns}: the input is no target for it`,
    { fix: "export a model that gives numbers in the shape of its input, and choose a loss of numbers" },
  );
}

function reshaped(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  if (x.shape.slice(1).join() === shape.join()) return x;
  return g.node("Reshape", [x, g.integers(-1, ...shape)], {});
}

function scaled(
  g: GraphBuilder,
  x: Value,
  { scale, scaling }: InputFormat,
  inputShape: readonly number[],
): Value {
  const example = mul(g, cast(g, x, "float32"), scale);
  if (scaling === undefined) return example;
  const moved = g.node("Sub", [example, g.constant(scaling.offsets, inputShape)], {});
  return g.node("Mul", [moved, g.constant(scaling.factors, inputShape)], {});
}
