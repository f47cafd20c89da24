import { SelvedgeError } from "@selvedge/protocol";
import type { InputFormat } from "./batch-data.ts";
import { type BatchGraph, type BatchStep, batchGraph, batchLoop } from "./batch-loop.ts";
import { readForwardGraph } from "./forward-graph.ts";
import type { GradientTerms } from "./gradient-terms.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type Loss, type LossName, lossOutputOf, lossRule } from "./losses.ts";
import type { OnnxModel } from "./model.ts";
import type { Value } from "./operator.ts";
import type { OptimizerState } from "./optimizer-state.ts";
import { type Optimizer, type OptimizerName, optimizerRule } from "./optimizers.ts";
import { type OptionNames, requireOptions } from "./require-options.ts";
import { type TrainingEntry, trainingEntry } from "./training-entry.ts";
import { type TrainingStep, trainingStep } from "./training-step.ts";

export interface TrainingOptions extends InputFormat, GradientTerms {
  readonly loss: LossName | Loss;
  readonly optimizer: OptimizerName | Optimizer;
  /** Parameters that are not trained, by patterns of their names in which `*` is any text. */
  readonly frozen?: readonly string[];
  /**
   * A batch has so many times the examples that the model sees at once: the step is
   * that of the whole batch, in the memory of a part of it. 1 when absent.
   */
  readonly accumulate?: number;
  /** Whether each step of a run has a learning rate of its own; else all have one. */
  readonly scheduled?: boolean;
}

/** A graph of standard operators that takes parameters and gives better ones. */
export interface TrainingGraph extends BatchGraph {
  /** Outputs that hold the new parameters, float32, in the order of the layout; undefined for what is frozen by name. */
  readonly updated: readonly (string | undefined)[];
  /** Parameters that training leaves as they are, by name, and why. */
  readonly frozen: ReadonlyMap<string, string>;
  /** Parameters that training moves without a gradient, by name: running means and variances. */
  readonly statistics: ReadonlySet<string>;
  readonly state: OptimizerState;
  /** How many times what it sees at once a batch has. */
  readonly accumulate: number;
  /** Whether it takes a learning rate for each step. */
  readonly scheduled: boolean;
  /** Whether it takes a seed. */
  readonly isRandom: boolean;
  /** Whether it takes the number of steps that earlier runs took. */
  readonly isCounting: boolean;
  /** Inputs of the parameters that a proximal term pulls towards, float32, in the order of the layout; undefined where there is none. */
  readonly anchors: readonly (string | undefined)[];
  /** Inputs of the gradients that are added to those of the loss, likewise. */
  readonly corrections: readonly (string | undefined)[];
}

/**
 * Compiles a forward model into a graph whose every run trains it for `steps`
 * batches: an ONNX Loop that carries parameters and optimizer state, and whose
 * body is one step on the mean loss of one batch.
 *
 * @throws SelvedgeError `unsupported` for a model that cannot be trained, naming node and operator,
 *   `invalid_argument` for options that there are not or that are out of range, and for a pattern
 *   that no parameter is named like
 */
export function trainingGraph(model: OnnxModel, options: TrainingOptions): TrainingGraph {
  requireOptions("a training graph", options, optionNames);
  const { frozen = [], accumulate = 1, scheduled = false } = options;
  checkAccumulation(accumulate);
  const rule = optimizerRule(options.optimizer);
  const loss = lossRule(options.loss);
  const forward = readForwardGraph(model, lossOutputOf(options.loss));
  const target = forward.target ?? loss.target(forward.outputShape);
  const g = new GraphBuilder();
  const entry = trainingEntry(g, { forward, rule, terms: options, frozen, scheduled });
  const data = { forward, target, format: options, accumulate };
  const loop = batchLoop(g, data, entry.carried, (inner, batch, values) =>
    trainingStep({ forward, loss, rule, terms: options, accumulate }, entry, inner, batch, values),
  );
  const updated = updatedOutputs(g, entry, loop);
  const { parameters } = entry;
  return {
    ...batchGraph(g, "training", { ...loop, ...data, parameters }),
    updated,
    frozen: frozenParameters(entry, loop.step),
    statistics: loop.step.statistics,
    ...{ state: entry.state, accumulate, scheduled },
    isRandom: forward.isRandom,
    isCounting: entry.isCounting,
    anchors: inputsOf(entry, entry.terms.anchors),
    corrections: inputsOf(entry, entry.terms.corrections),
  };
}

function checkAccumulation(accumulate: number): void {
  if (Number.isSafeInteger(accumulate) && accumulate >= 1 && accumulate <= accumulateMax) return;
  throw new SelvedgeError("invalid_argument", `${accumulate} is no number of parts of a batch`, {
    fix: `give a whole number, 1 to ${accumulateMax}`,
  });
}

/** Names the outputs of the graph; those of the parameters, undefined for what is frozen by name. */
function updatedOutputs(
  g: GraphBuilder,
  { slots, trained, parameters, state }: TrainingEntry,
  { carried, measures }: BatchStep,
): (string | undefined)[] {
  const updated = slots.map(({ name }) => `updated/${name}`);
  for (const [index, name] of [...updated, ...state.outputs].entries()) {
    const value = carried[index];
    if (value !== undefined) g.output(name, value);
  }
  for (const [name, value] of measures) g.output(name, value);
  return parameters.map((parameter) => updated[trained.indexOf(parameter)]);
}

function frozenParameters({ byName, slots }: TrainingEntry, { still }: TrainingStep): Map<string, string> {
  const frozen = new Map(byName.map((name) => [name, "the training says so"]));
  for (const [index, why] of still) frozen.set(slots[index]?.name ?? "", why);
  return frozen;
}

/** Of inputs that only trained parameters have, the names in the order of the layout. */
function inputsOf({ parameters, trained }: TrainingEntry, list: readonly Value[]): (string | undefined)[] {
  return parameters.map((parameter) => list[trained.indexOf(parameter)]?.name);
}

const accumulateMax = 65_536;

const optionNames: OptionNames<TrainingOptions> = {
  loss: true,
  optimizer: true,
  frozen: true,
  accumulate: true,
  scheduled: true,
  inputType: true,
  scale: true,
  scaling: true,
  learnsInput: true,
  proximal: true,
  correction: true,
  clipValue: true,
  clipNorm: true,
};
