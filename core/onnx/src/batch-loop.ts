import { SelvedgeError } from "@selvedge/protocol";
import { cast, mul } from "./arithmetic.ts";
import type { ForwardGraph } from "./forward-graph.ts";
import { unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import { serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";
import type { ParameterLayout } from "./parameters.ts";
import { type StepCost, stepCost } from "./step-cost.ts";

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

/**
 * Names of the inputs and outputs that every batch-loop graph has.
 *
 * | input | type | shape | |
 * |---|---|---|---|
 * | examples | uint8, float32 or int32 | [N, ...inputShape] | the whole dataset; never copied |
 * | labels | int32 or float32 | [N, ...target.shape] | what is to be learned; not there where that is the input |
 * | order | int32 | [n] | which examples, in which order; cut into batches |
 * | batchSize | int64 | [] | |
 * | steps | int64 | [] | how many batches: ceil(n / batchSize), the last one may be short |
 * | learningRate | float32 | [] | training only |
 * | stepsBefore | int64 | [] | training with an optimizer that keeps a state, or at random: how many steps earlier runs took |
 * | seed | int64 | [] | training at random only: what dropout is a function of, beside the steps taken; below 2^53 |
 *
 * | output | type | shape | |
 * |---|---|---|---|
 * | loss | float32 | [steps] or [steps, 1] | sum over each batch of what the loss averages |
 * | weight | float32 | [steps] or [steps, 1] | what the mean divides that by: the examples, places or numbers of each batch |
 * | correct | float32 | [steps] | where targets are classes: those of each batch predicted right |
 * | counted | float32 | [steps] or [steps, 1] | likewise: of how many |
 * | among_k | float32 | [steps] | evaluation, where asked for: those whose class was among the k highest scores |
 * | classCounts | float32 | [steps, 3, classes] | likewise: how often each class was predicted rightly, was predicted, was there |
 * | logLoss | float32 | [steps] | likewise: the sum of -ln of the class's probability |
 * | errors | float64 | [steps, 4] | evaluation of numbers: the sums of abs(y - t), (y - t)², t and t² |
 * | margin | float32 | [steps, batchSize] | evaluation of two classes only: score of the second minus the first |
 */
export const ports = {
  examples: "examples",
  labels: "labels",
  order: "order",
  batchSize: "batch_size",
  steps: "steps",
  learningRate: "learning_rate",
  stepsBefore: "steps_before",
  seed: "seed",
  loss: "loss",
  weight: "weight",
  correct: "correct",
  counted: "counted",
  margin: "margin",
  among: "among",
  classCounts: "class_counts",
  logLoss: "log_loss",
  errors: "errors",
} as const;

/** A graph that runs a model over batches; its other inputs and outputs are {@link ports}. */
export interface BatchGraph {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  readonly layout: ParameterLayout;
  /** Inputs that take the parameters, float32, in the order of the layout. */
  readonly parameters: readonly string[];
  /** Shape of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly inputType: InputFormat["inputType"];
  /** Shape of what the model gives for one example. */
  readonly outputShape: readonly number[];
  readonly target: TargetFormat;
  /** Whether that is the input, so that it takes no labels. */
  readonly learnsInput: boolean;
  /** How many classes the targets are of; undefined where they are numbers. */
  readonly classes: number | undefined;
  /** Which of the ports' outputs it has. */
  readonly outputs: ReadonlySet<string>;
  /** Of one step of this many examples. */
  cost(batchSize: number): StepCost;
}

/** What the body of a loop makes of one batch. */
export interface BatchStep {
  /** The values that the next one starts from, in the order they came. */
  readonly carried: readonly Value[];
  /** What it gives out, by the names of the outputs. */
  readonly measures: ReadonlyMap<string, Value>;
}

/** The loop over all batches of a run. */
export interface BatchLoop<Step extends BatchStep> extends BatchStep {
  /** One of its steps, inside. */
  readonly step: Step;
  cost(batchSize: number): StepCost;
}

/** One batch, as the body of the loop sees it. */
export interface Batch {
  /** [batch, ...inputShape] as the model takes it, scaled. */
  readonly input: Value;
  /** [batch, ...], in the target's format. */
  readonly labels: Value;
  /** int64 scalar: how many batches of this run came before. */
  readonly iteration: Value;
}

/**
 * One ONNX Loop over the batches of a dataset that lies outside it: batches are
 * gathered by index, so a run of many steps copies neither the dataset nor, in
 * between, what is carried from step to step.
 */
export function batchLoop<Step extends BatchStep>(
  g: GraphBuilder,
  forward: ForwardGraph,
  target: TargetFormat,
  format: InputFormat,
  carried: readonly Value[],
  body: (graph: GraphBuilder, batch: Batch, carried: readonly Value[]) => Step,
): BatchLoop<Step> {
  const data = batchData(g, forward, target, format);
  const steps = g.input(ports.steps, "int64", []);
  const end = g.node("Shape", [data.order], {});
  const loop = g.loop(steps, carried, (inner, iteration, entering) => {
    const indices = part(inner, data.order, iteration, data.batchSize, end);
    const step = body(inner, { ...gather(inner, data, indices), iteration }, entering);
    const scanned = [...step.measures.values()];
    const tape = [...inner.tape];
    return {
      ...{ step, carried: step.carried, scanned },
      cost: (size: number) => stepCost(tape, entering, [...step.carried, ...scanned], size),
    };
  });
  const { step, cost } = loop.inside;
  const names = [...step.measures.keys()];
  return {
    ...{ step, cost, carried: loop.carried },
    measures: new Map(loop.scanned.map((value, index) => [names[index] ?? "", value])),
  };
}

/** The graph that a loop is in, when all its outputs are named. */
export function batchGraph(
  g: GraphBuilder,
  name: string,
  { forward, target, format, parameters, measures, cost }: BatchGraphParts,
): BatchGraph {
  return {
    bytes: serializeModel(g.toModel(name)),
    layout: forward.layout,
    parameters: parameters.map((parameter) => parameter.name),
    inputShape: forward.inputShape,
    inputType: format.inputType,
    outputShape: forward.outputShape,
    target,
    learnsInput: format.learnsInput ?? false,
    classes: target.classes,
    outputs: new Set(measures.keys()),
    cost,
  };
}

interface BatchGraphParts {
  readonly forward: ForwardGraph;
  readonly target: TargetFormat;
  readonly format: InputFormat;
  readonly parameters: readonly Value[];
  /** What a step gives out, by the names of the outputs. */
  readonly measures: ReadonlyMap<string, Value>;
  readonly cost: BatchGraph["cost"];
}

/** A dataset outside the loop, and how its examples become what the model sees. */
interface BatchData {
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

function batchData(
  g: GraphBuilder,
  forward: ForwardGraph,
  target: TargetFormat,
  format: InputFormat,
): BatchData {
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
function part(g: GraphBuilder, list: Value, number: Value, size: Value, end: Value): Value {
  const start = g.node("Mul", [number, size], {});
  const next = g.node("Add", [start, size], {});
  const from = unsqueeze(g, start, 0);
  return g.node("Slice", [list, from, g.node("Min", [unsqueeze(g, next, 0), end], {})], {});
}

function gather(
  g: GraphBuilder,
  { forward, format, examples, labels, targetShape }: BatchData,
  indices: Value,
): Pick<Batch, "input" | "labels"> {
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
