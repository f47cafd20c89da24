import { SelvedgeError } from "@selvedge/protocol";
import { add, cast, div } from "./arithmetic.ts";
import { backward } from "./backward.ts";
import { type Batch, type BatchGraph, batchGraph, batchLoop, type InputFormat, ports } from "./batch-loop.ts";
import type { Noise } from "./counter-hash.ts";
import { type ForwardGraph, parameterInputs, readForwardGraph } from "./forward-graph.ts";
import { applyTerms, type GradientTerms, isClipped, type TermInputs, termInputs } from "./gradient-terms.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { liveNodes } from "./live-nodes.ts";
import { lossOutputs } from "./loss-outputs.ts";
import type { LossRule } from "./losses/loss-rule.ts";
import { type Loss, type LossName, lossRule } from "./losses.ts";
import type { OnnxModel } from "./model.ts";
import type { Value } from "./operator.ts";
import { type OptimizerState, optimizerState, stateInputs, stateOfParameter } from "./optimizer-state.ts";
import type { OptimizerRule, Stepped } from "./optimizers/optimizer-rule.ts";
import { type Optimizer, type OptimizerName, optimizerRule } from "./optimizers.ts";
import { rawScores } from "./raw-scores.ts";
import type { TapeEntry } from "./tape.ts";
import { matchingNames } from "./tensor-patterns.ts";

export interface TrainingOptions extends InputFormat, GradientTerms {
  readonly loss: LossName | Loss;
  readonly optimizer: OptimizerName | Optimizer;
  /** Parameters that are not trained, by patterns of their names in which `*` is any text. */
  readonly frozen?: readonly string[];
}

/** A graph of standard operators that takes parameters and gives better ones. */
export interface TrainingGraph extends BatchGraph {
  /** Outputs that hold the new parameters, float32, in the order of the layout; undefined for what is frozen by name. */
  readonly updated: readonly (string | undefined)[];
  /** Parameters that training leaves as they are, by name, and why. */
  readonly frozen: ReadonlyMap<string, string>;
  readonly state: OptimizerState;
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
 *   `invalid_argument` for options out of range or a pattern that no parameter is named like
 */
export function trainingGraph(model: OnnxModel, options: TrainingOptions): TrainingGraph {
  const forward = readForwardGraph(model);
  const { layout } = forward;
  const rule = optimizerRule(options.optimizer);
  const loss = lossRule(options.loss);
  const target = loss.target(forward.outputShape);
  const names = layout.slots.map(({ name }) => name);
  const asked = matchingNames(names, options.frozen ?? []);
  const slots = layout.slots.filter(({ name }) => !asked.has(name));
  if (slots.length === 0) throw nothingToTrain();
  const state = optimizerState(rule, slots);

  const g = new GraphBuilder();
  const parameters = parameterInputs(g, layout);
  const rate = g.input(ports.learningRate, "float32", []);
  const { isRandom } = forward;
  const isCounting = isRandom || state.layout.slots.length > 0;
  const before = isCounting ? g.input(ports.stepsBefore, "int64", []) : g.constant(BigInt64Array.of(0n), []);
  const seed = isRandom ? g.input(ports.seed, "int64", []) : undefined;
  const inputs = termInputs(g, options, slots);
  const trained = parameters.filter((_, index) => !asked.has(names[index] ?? ""));
  const entering = [...trained, ...stateInputs(g, state)];
  const frozen = new Map([...asked].map((name) => [name, byName]));
  const training = { forward, options, loss, rule, parameters, trained, rate, before, seed, inputs };
  let measures: ReadonlyMap<string, Value> = new Map();
  const { carried, scanned, cost } = batchLoop(
    g,
    forward,
    target,
    options,
    entering,
    (inner, batch, values) => {
      const step = trainingStep(training, inner, batch, values);
      for (const [index, why] of step.still) frozen.set(slots[index]?.name ?? "", why);
      measures = step.measures;
      return { carried: step.carried, scanned: [...measures.values()] };
    },
  );

  const updated = names.map((name) => (asked.has(name) ? undefined : `updated/${name}`));
  const outputs = [...updated.flatMap((name) => name ?? []), ...state.outputs, ...measures.keys()];
  for (const [index, value] of [...carried, ...scanned].entries()) g.output(outputs[index] ?? "", value);
  const inputOf = (list: readonly Value[]) =>
    parameters.map((parameter) => list[trained.indexOf(parameter)]?.name);
  return {
    ...batchGraph(g, "training", { forward, target, format: options, parameters, measures, cost }),
    updated,
    frozen,
    state,
    isRandom,
    isCounting,
    anchors: inputOf(inputs.anchors),
    corrections: inputOf(inputs.corrections),
  };
}

interface Training {
  readonly forward: ForwardGraph;
  readonly options: TrainingOptions;
  readonly loss: LossRule;
  readonly rule: OptimizerRule;
  /** All of them, before the first step. */
  readonly parameters: readonly Value[];
  /** Those that are carried from step to step. */
  readonly trained: readonly Value[];
  readonly rate: Value;
  /** int64 scalar: steps of earlier runs. */
  readonly before: Value;
  /** int64 scalar; undefined where nothing is random. */
  readonly seed: Value | undefined;
  readonly inputs: TermInputs;
}

interface TrainingStep {
  readonly carried: readonly Value[];
  /** What it gives out, by the names of the outputs. */
  readonly measures: ReadonlyMap<string, Value>;
  /** Which of the carried parameters it leaves as they are, and why. */
  readonly still: ReadonlyMap<number, string>;
}

function trainingStep(
  { forward, options, loss: lossOf, rule, parameters, trained, rate, before, seed, inputs }: Training,
  g: GraphBuilder,
  batch: Batch,
  values: readonly Value[],
): TrainingStep {
  const current = values.slice(0, trained.length);
  const kept = values.slice(trained.length);
  const updates = new Map<string, Value>();
  const whole = parameters.map((parameter) => current[trained.indexOf(parameter)] ?? parameter);
  const taken = add(g, before, batch.iteration);
  const output = forward.emit(g, batch.input, whole, {
    training: true,
    ...(seed && { noise: noiseOf(seed, taken) }),
    latest: (parameter) => updates.get(parameter.name) ?? parameter,
    update: (parameter, next) => updates.set(parameter.name, next),
  });
  const scores = rawScores(g, output, lossOf);
  const tape = [...g.tape];
  const loss = lossOf.emit(g, scores, batch.labels);
  const factor = rule.isLinear && !isClipped(options) ? rate : g.scalar(1, "float32");
  const gradient = loss.gradient(div(g, factor, loss.weight));
  const raw = backward(g, tape, [{ output: scores, gradient }], current).map((each, index) =>
    updates.has(current[index]?.name ?? "") ? undefined : each,
  );
  const gradients = applyTerms(g, options, inputs, current, raw, rule.isLinear ? rate : undefined);
  const count = add(g, cast(g, taken, "float64"), 1);
  const step = rule.begin(g, rate, count);
  const still = new Map<number, string>();
  const steps = current.map((parameter, index): Stepped => {
    const own = stateOfParameter(kept, rule.state, index);
    const [each, update] = [gradients[index], updates.get(parameter.name)];
    if (each !== undefined) return step(parameter, each, own);
    if (update === undefined) still.set(index, whyFrozen(parameter, tape, scores));
    return { parameter: update ?? parameter, state: own };
  });
  const carried = [
    ...steps.map(({ parameter }) => parameter),
    ...rule.state.flatMap((_, kind) => steps.flatMap(({ state }) => state[kind] ?? [])),
  ];
  return { carried, measures: lossOutputs(loss), still };
}

function noiseOf(seed: Value, step: Value): Noise {
  let streams = 0;
  const stream = (): number => {
    streams += 1;
    return streams;
  };
  return { seed, step, stream };
}

function whyFrozen(parameter: Value, tape: readonly TapeEntry[], scores: Value): string {
  const live = liveNodes(tape, [scores]);
  const isUsed = live.some(({ inputs }) => inputs.some((input) => input?.name === parameter.name));
  return isUsed ? noGradient : unused;
}

function nothingToTrain(): SelvedgeError {
  return new SelvedgeError("invalid_argument", "all parameters of the model are frozen", {
    fix: "leave some that are not named like a frozen one",
  });
}

const byName = "the training says so";
const unused = "the output does not depend on it";
const noGradient = "no gradient comes through the operators between it and the output";
