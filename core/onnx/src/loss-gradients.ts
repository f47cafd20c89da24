import { backward } from "./backward.ts";
import type { Examples } from "./batch-data.ts";
import type { ComposeMode } from "./composition.ts";
import type { Noise } from "./counter-hash.ts";
import type { ForwardGraph } from "./forward-graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { liveNodes } from "./live-nodes.ts";
import { lossOutputs } from "./loss-outputs.ts";
import type { LossRule } from "./losses/loss-rule.ts";
import type { Value } from "./operator.ts";
import { rawScores } from "./raw-scores.ts";
import type { StepCost } from "./step-cost.ts";
import type { TapeEntry } from "./tape.ts";

/** What learns, and by what it is measured. */
export interface Learner {
  readonly forward: ForwardGraph;
  readonly loss: LossRule;
}

/** What examples say about the parameters. */
export interface LossGradients {
  /** In the order of the wanted ones, in their shapes; undefined where none comes through. */
  readonly gradients: readonly (Value | undefined)[];
  /** What parameters that no gradient changes, such as running means, have become; by their names. */
  readonly running: ReadonlyMap<string, Value>;
  /** What the loss gives out, by the names of the outputs. */
  readonly measures: ReadonlyMap<string, Value>;
  /** Why a wanted parameter has neither a gradient nor become another. */
  whyStill(parameter: Value): string;
  /** What one part takes, where the model saw the examples in parts. */
  costOfPart?(size: number): StepCost;
}

/** Values that a batch is learned with. */
export interface LearningValues {
  /** All parameters, in the order of the layout. */
  readonly parameters: readonly Value[];
  /** Those of them whose gradients are asked for. */
  readonly wanted: readonly Value[];
  /**
   * A scalar that the gradients of the loss's sum are multiplied by.
   *
   * @param weight what the mean divides the sum by
   */
  factor(weight: Value): Value;
  /** Undefined where nothing is random. */
  readonly noise: Omit<Noise, "stream"> | undefined;
}

/** Emits a model's forward pass over examples while it learns, the loss, and the loss's gradients. */
export function lossGradients(
  { forward, loss: rule }: Learner,
  g: GraphBuilder,
  { input, labels }: Examples,
  { parameters, wanted, factor, noise }: LearningValues,
): LossGradients {
  const running = new Map<string, Value>();
  const mode: ComposeMode = {
    training: true,
    ...(noise && { noise: { ...noise, stream: counter() } }),
    latest: (parameter) => running.get(parameter.name) ?? parameter,
    update: (parameter, next) => running.set(parameter.name, next),
  };
  const { output, loss: own } = forward.emit(g, input, parameters, mode, labels);
  const scores = own ?? rawScores(g, output, rule);
  const tape = [...g.tape];
  const loss = rule.emit(g, scores, labels);
  const gradient = loss.gradient(factor(loss.weight));
  const all = backward(g, tape, [{ output: scores, gradient }], wanted);
  return {
    gradients: all.map((each, index) => (running.has(wanted[index]?.name ?? "") ? undefined : each)),
    running,
    measures: lossOutputs(loss),
    whyStill: (parameter) => (isUsed(parameter, tape, scores) ? noGradient : unused),
  };
}

function counter(): () => number {
  let count = 0;
  return () => {
    count += 1;
    return count;
  };
}

function isUsed(parameter: Value, tape: readonly TapeEntry[], scores: Value): boolean {
  const live = liveNodes(tape, [scores]);
  return live.some(({ inputs }) => inputs.some((input) => input?.name === parameter.name));
}

const unused = "the output does not depend on it";
const noGradient = "no gradient comes through the operators between it and the output";
