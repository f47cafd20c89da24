import { SelvedgeError } from "@selvedge/protocol";
import { type ForwardGraph, parameterInputs } from "./forward-graph.ts";
import { type GradientTerms, type TermInputs, termInputs } from "./gradient-terms.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import { type OptimizerState, optimizerState, stateInputs } from "./optimizer-state.ts";
import type { OptimizerRule } from "./optimizers/optimizer-rule.ts";
import type { ParameterSlot } from "./parameters.ts";
import { ports } from "./ports.ts";
import { matchingNames } from "./tensor-patterns.ts";

/** What a training is of, and by what rule. */
export interface TrainedBy {
  readonly forward: ForwardGraph;
  readonly rule: OptimizerRule;
  readonly terms: GradientTerms;
  /** Parameters that are not trained, by patterns of their names. */
  readonly frozen: readonly string[];
  /** Whether each step of a run has a learning rate of its own. */
  readonly scheduled: boolean;
}

/** What enters the loop of a training graph. */
export interface TrainingEntry {
  /** The parameters of all slots of the layout, before the first step. */
  readonly parameters: readonly Value[];
  /** Those that are carried from step to step. */
  readonly trained: readonly Value[];
  /** Of the trained ones. */
  readonly slots: readonly ParameterSlot[];
  /** Names of the others. */
  readonly byName: readonly string[];
  readonly state: OptimizerState;
  /** What the loop carries: the trained parameters, then the optimizer's state. */
  readonly carried: readonly Value[];
  /** float32 scalar, or one for each step of a run. */
  readonly rate: Value;
  /** int64 scalar: steps of earlier runs. */
  readonly before: Value;
  /** Whether `before` is an input: else no step differs from another by its number. */
  readonly isCounting: boolean;
  /** int64 scalar; undefined where nothing is random. */
  readonly seed: Value | undefined;
  readonly terms: TermInputs;
}

/**
 * Declares the inputs of a training.
 *
 * @throws SelvedgeError `invalid_argument` for a pattern that no parameter is named like, where they
 *   leave nothing to train, and for terms out of range
 */
export function trainingEntry(
  g: GraphBuilder,
  { forward, rule, terms, frozen, scheduled }: TrainedBy,
): TrainingEntry {
  const { layout, isRandom } = forward;
  const names = layout.slots.map(({ name }) => name);
  const asked = matchingNames(names, frozen);
  const slots = layout.slots.filter(({ name }) => !asked.has(name));
  if (slots.length === 0) throw nothingToTrain();
  const state = optimizerState(rule, slots);
  const parameters = parameterInputs(g, layout);
  const trained = parameters.filter((_, index) => !asked.has(names[index] ?? ""));
  const rate = g.input(ports.learningRate, "float32", scheduled ? ["rates"] : []);
  const isCounting = isRandom || state.layout.slots.length > 0;
  const before = isCounting ? g.input(ports.stepsBefore, "int64", []) : g.constant(BigInt64Array.of(0n), []);
  const seed = isRandom ? g.input(ports.seed, "int64", []) : undefined;
  const inputs = termInputs(g, terms, slots);
  const carried = [...trained, ...stateInputs(g, state)];
  return {
    ...{ parameters, trained, slots, byName: [...asked], state, carried },
    ...{ rate, before, isCounting, seed, terms: inputs },
  };
}

function nothingToTrain(): SelvedgeError {
  return new SelvedgeError("invalid_argument", "all parameters of the model are frozen", {
    fix: "leave some that are not named like a frozen one",
  });
}
