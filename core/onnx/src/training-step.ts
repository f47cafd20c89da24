import { add, cast } from "./arithmetic.ts";
import type { Batch, BatchStep } from "./batch-loop.ts";
import { applyTerms, type GradientTerms, isClipped } from "./gradient-terms.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { type Learner, lossGradients } from "./loss-gradients.ts";
import type { Value } from "./operator.ts";
import { stateOfParameter } from "./optimizer-state.ts";
import type { OptimizerRule, Stepped } from "./optimizers/optimizer-rule.ts";
import type { TrainingEntry } from "./training-entry.ts";

/** What one step does, whatever the batch. */
export interface StepRule extends Learner {
  readonly rule: OptimizerRule;
  readonly terms: GradientTerms;
}

export interface TrainingStep extends BatchStep {
  /** Which of the trained parameters it leaves as they are, and why. */
  readonly still: ReadonlyMap<number, string>;
}

/**
 * Emits one step on the mean loss of one batch: its gradients, the terms that are
 * added to them, and the optimizer.
 *
 * @param values what the loop carries, as the entry has it
 */
export function trainingStep(
  step: StepRule,
  entry: TrainingEntry,
  g: GraphBuilder,
  batch: Batch,
  values: readonly Value[],
): TrainingStep {
  const { rule, terms } = step;
  const { parameters, trained, rate, seed } = entry;
  const wanted = values.slice(0, trained.length);
  const taken = add(g, entry.before, batch.iteration);
  const learned = lossGradients(step, g, batch, {
    parameters: parameters.map((parameter) => wanted[trained.indexOf(parameter)] ?? parameter),
    wanted,
    factor: rule.isLinear && !isClipped(terms) ? rate : g.scalar(1, "float32"),
    noise: seed && { seed, step: taken },
  });
  const scale = rule.isLinear ? rate : undefined;
  const gradients = applyTerms(g, terms, entry.terms, wanted, learned.gradients, scale);
  const optimize = rule.begin(g, rate, add(g, cast(g, taken, "float64"), 1));
  const still = new Map<number, string>();
  const steps = wanted.map((parameter, index): Stepped => {
    const state = stateOfParameter(values.slice(trained.length), rule.state, index);
    const gradient = gradients[index];
    if (gradient !== undefined) return optimize(parameter, gradient, state);
    const next = learned.running.get(parameter.name);
    if (next === undefined) still.set(index, learned.whyStill(parameter));
    return { parameter: next ?? parameter, state };
  });
  return { carried: carriedOn(steps, rule), measures: learned.measures, still };
}

/** The parameters, then the optimizer's state kind by kind. */
function carriedOn(steps: readonly Stepped[], { state: kinds }: OptimizerRule): Value[] {
  const states = kinds.flatMap((_, kind) => steps.flatMap(({ state }) => state[kind] ?? []));
  return [...steps.map(({ parameter }) => parameter), ...states];
}
