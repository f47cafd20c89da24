import { type AccumulatedValues, accumulatedGradients } from "./accumulated-gradients.ts";
import { add, cast, div } from "./arithmetic.ts";
import type { Batch, BatchStep } from "./batch-loop.ts";
import { applyTerms, type GradientTerms, isClipped } from "./gradient-terms.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { type Learner, type LossGradients, lossGradients } from "./loss-gradients.ts";
import type { Value } from "./operator.ts";
import { stateOfParameter } from "./optimizer-state.ts";
import type { OptimizerRule, Stepped } from "./optimizers/optimizer-rule.ts";
import type { TrainingEntry } from "./training-entry.ts";

/** What one step does, whatever the batch. */
export interface StepRule extends Learner {
  readonly rule: OptimizerRule;
  readonly terms: GradientTerms;
  /** A batch has so many times the examples that the model sees at once. */
  readonly accumulate: number;
}

export interface TrainingStep extends BatchStep {
  /** Which of the trained parameters it leaves as they are, and why. */
  readonly still: ReadonlyMap<number, string>;
  /** Names of those that it moves without a gradient. */
  readonly statistics: ReadonlySet<string>;
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
  const { rule, terms, accumulate } = step;
  const { parameters, trained, seed } = entry;
  const rate = rateAt(g, entry.rate, batch.iteration);
  const wanted = values.slice(0, trained.length);
  const taken = add(g, entry.before, batch.iteration);
  const learned = learnedFrom(step, g, batch, {
    parameters: parameters.map((parameter) => wanted[trained.indexOf(parameter)] ?? parameter),
    wanted,
    factor: rule.isLinear && !isClipped(terms) ? rate : g.scalar(1, "float32"),
    noise: seed && { seed, step: taken },
    accumulate,
  });
  const scale = rule.isLinear ? rate : undefined;
  const gradients = applyTerms(g, terms, entry.terms, wanted, learned.gradients, scale);
  const optimize = rule.begin(g, rate, add(g, cast(g, taken, "float64"), 1));
  const still = new Map<number, string>();
  const statistics = new Set<string>();
  const steps = wanted.map((parameter, index): Stepped => {
    const state = stateOfParameter(values.slice(trained.length), rule.state, index);
    const gradient = gradients[index];
    if (gradient !== undefined) return optimize(parameter, gradient, state);
    const next = learned.running.get(parameter.name);
    if (next === undefined) still.set(index, learned.whyStill(parameter));
    else statistics.add(entry.slots[index]?.name ?? "");
    return { parameter: next ?? parameter, state };
  });
  const { measures, costOfPart } = learned;
  return { carried: carriedOn(steps, rule), measures, still, statistics, ...(costOfPart && { costOfPart }) };
}

/** The gradients of the mean loss of a batch, whether the model sees it at once or in parts. */
function learnedFrom(
  learner: Learner,
  g: GraphBuilder,
  batch: Batch,
  values: AccumulatedValues,
): LossGradients {
  if (values.accumulate > 1) return accumulatedGradients(learner, g, batch, values);
  const factor = (weight: Value): Value => div(g, values.factor, weight);
  return lossGradients(learner, g, batch.gather(g, batch.indices), { ...values, factor });
}

/** Of one rate for all steps of a run, or one for each. */
function rateAt(g: GraphBuilder, rate: Value, iteration: Value): Value {
  return rate.shape.length === 0 ? rate : g.node("Gather", [rate, iteration], { axis: 0 });
}

/** The parameters, then the optimizer's state kind by kind. */
function carriedOn(steps: readonly Stepped[], { state: kinds }: OptimizerRule): Value[] {
  const states = kinds.flatMap((_, kind) => steps.flatMap(({ state }) => state[kind] ?? []));
  return [...steps.map(({ parameter }) => parameter), ...states];
}
