import {
  type BatchDataOptions,
  batchData,
  type Examples,
  examplesOf,
  type InputFormat,
  partOf,
} from "./batch-data.ts";
import type { ForwardGraph } from "./forward-graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import { serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";
import type { ParameterLayout } from "./parameters.ts";
import { ports } from "./ports.ts";
import { type StepCost, stepCost } from "./step-cost.ts";

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
  /** What each part of it takes besides, that the model sees at once; absent where it is no parts. */
  costOfPart?(size: number): StepCost;
}

/** The loop over all batches of a run. */
export interface BatchLoop<Step extends BatchStep> extends BatchStep {
  /** One of its steps, inside. */
  readonly step: Step;
  cost(batchSize: number): StepCost;
}

/** One batch, as the body of the loop sees it. */
export interface Batch {
  /** int32 [batch]: which examples are in it. */
  readonly indices: Value;
  /** int64 scalar: how many batches of this run came before. */
  readonly iteration: Value;
  /** int64 scalar: how many examples the model is to see at once. */
  readonly size: Value;
  /** Those of some of the indices. */
  gather(graph: GraphBuilder, indices: Value): Examples;
}

/** What a loop goes over. */
export interface BatchLoopOptions extends BatchDataOptions {
  /** A batch has so many times the examples that the model sees at once; 1 when absent. */
  readonly accumulate?: number;
}

/**
 * One ONNX Loop over the batches of a dataset that lies outside it: batches are
 * gathered by index, so a run of many steps copies neither the dataset nor, in
 * between, what is carried from step to step.
 */
export function batchLoop<Step extends BatchStep>(
  g: GraphBuilder,
  { accumulate = 1, ...options }: BatchLoopOptions,
  carried: readonly Value[],
  body: (graph: GraphBuilder, batch: Batch, carried: readonly Value[]) => Step,
): BatchLoop<Step> {
  const data = batchData(g, options);
  const steps = g.input(ports.steps, "int64", []);
  const { order, batchSize: size } = data;
  const whole = accumulate === 1 ? size : g.node("Mul", [size, g.integer(accumulate)], {});
  const end = g.node("Shape", [order], {});
  const loop = g.loop(steps, carried, (inner, iteration, entering) => {
    const indices = partOf(inner, order, { number: iteration, size: whole, end });
    const gather: Batch["gather"] = (graph, some) => examplesOf(graph, data, some);
    const step = body(inner, { indices, iteration, size, gather }, entering);
    const scanned = [...step.measures.values()];
    return { step, carried: step.carried, scanned, cost: costOf(inner, entering, step, accumulate) };
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

function costOf(
  g: GraphBuilder,
  entering: readonly Value[],
  { carried, measures, costOfPart }: BatchStep,
  parts: number,
): (batchSize: number) => StepCost {
  const tape = [...g.tape];
  return (batchSize) => {
    const own = stepCost(tape, entering, [...carried, ...measures.values()], batchSize);
    if (costOfPart === undefined) return own;
    const part = costOfPart(batchSize);
    return {
      memoryBytes: own.memoryBytes + part.memoryBytes,
      multiplyAdds: own.multiplyAdds + parts * part.multiplyAdds,
    };
  };
}
