import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";

/** A tensor that an optimizer keeps for each parameter, in the parameter's shape. */
export interface StateSlot {
  readonly name: string;
  /** Every element of it, before the first step. */
  readonly initial: number;
}

/** A parameter after a step, and what is kept of it for the next. */
export interface Stepped {
  readonly parameter: Value;
  /** In the order of the rule's slots. */
  readonly state: readonly Value[];
}

export interface OptimizerRule {
  readonly state: readonly StateSlot[];
  /**
   * Whether a step is linear in the gradient. Then gradients come multiplied by
   * the learning rate: it goes in on the few values of the scores' gradient,
   * instead of on every parameter's.
   */
  readonly isLinear: boolean;
  /**
   * Emits what is the same for all parameters of one step.
   *
   * @param rate float32 scalar: the learning rate
   * @param count float64 scalar: which step this is, the first is 1
   * @returns what emits the step of one parameter
   */
  begin(graph: GraphBuilder, rate: Value, count: Value): ParameterStep;
}

export type ParameterStep = (parameter: Value, gradient: Value, state: readonly Value[]) => Stepped;
