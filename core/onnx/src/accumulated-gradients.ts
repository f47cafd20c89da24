import { add, div, mul } from "./arithmetic.ts";
import { partOf } from "./batch-data.ts";
import type { Batch } from "./batch-loop.ts";
import { zerosLike } from "./gradient-families.ts";
import { GraphBuilder, type LoopBody } from "./graph-builder.ts";
import { type Learner, type LearningValues, type LossGradients, lossGradients } from "./loss-gradients.ts";
import type { Value } from "./operator.ts";
import { addScaled } from "./optimizers/descent.ts";
import { ports } from "./ports.ts";
import { type StepCost, stepCost } from "./step-cost.ts";

/** What a batch is learned with that the model sees in parts. */
export interface AccumulatedValues extends Omit<LearningValues, "factor"> {
  /** At most so many parts. */
  readonly accumulate: number;
  /** A scalar that the gradients of the mean loss are multiplied by. */
  readonly factor: Value;
}

/**
 * Emits the gradients of the mean loss of a batch that the model sees in parts: a
 * loop over them that adds up the gradients of the loss's sum, and what the mean
 * divides it by. The last part may be short, and a short batch has fewer. What one
 * does to running statistics, the next one sees.
 */
export function accumulatedGradients(
  learner: Learner,
  g: GraphBuilder,
  batch: Batch,
  values: AccumulatedValues,
): LossGradients {
  const end = g.node("Shape", [batch.indices], {});
  const learnPart: LearnPart = (inner, number, latest) => {
    const indices = partOf(inner, batch.indices, { number, size: batch.size, end });
    const examples = batch.gather(inner, indices);
    return lossGradients(learner, inner, examples, valuesOfPart(inner, values, number, latest));
  };
  // What a loop carries has to be known before its body, and what it is shows only once it is emitted.
  const draft = learnPart(new GraphBuilder(g), g.integer(0), (parameter) => parameter);
  const { wanted } = values;
  const moved = wanted.filter(({ name }) => draft.running.has(name));
  const entering = [
    ...moved,
    ...wanted.filter((_, index) => draft.gradients[index]).map((parameter) => zerosLike(g, parameter)),
    ...[...draft.measures.values()].map(({ shape }) => g.constant(Float32Array.of(0), shape.map(Number))),
  ];
  const loop = g.loop(partsOf(g, end, batch.size), entering, (inner, number, carried) =>
    addPart(inner, learnPart, number, moved, carried),
  );
  const { costOfPart } = loop.inside;
  return { ...collected(g, draft, moved, values, loop.carried), costOfPart };
}

type LearnPart = (g: GraphBuilder, number: Value, latest: (parameter: Value) => Value) => LossGradients;

/** ceil(length / size), of a list that has at least one element */
function partsOf(g: GraphBuilder, length: Value, size: Value): Value {
  const up = g.node("Add", [length, g.node("Sub", [size, g.integer(1)], {})], {});
  return g.node("Squeeze", [g.node("Div", [up, size], {}), g.integers(0)], {});
}

function valuesOfPart(
  g: GraphBuilder,
  { parameters, wanted, noise, accumulate }: AccumulatedValues,
  number: Value,
  latest: (parameter: Value) => Value,
): LearningValues {
  const before = noise && g.node("Mul", [noise.step, g.integer(accumulate)], {});
  return {
    parameters: parameters.map(latest),
    wanted: wanted.map(latest),
    factor: (weight) => g.scalar(1, weight.type),
    noise: noise && before && { ...noise, step: add(g, before, number) },
  };
}

/** One part: what it has moved, and sums with its gradients and measures in them. */
function addPart(
  g: GraphBuilder,
  learnPart: LearnPart,
  number: Value,
  moved: readonly Value[],
  carried: readonly Value[],
): LoopBody & { costOfPart(size: number): StepCost } {
  const running = carried.slice(0, moved.length);
  const latest = (parameter: Value): Value => running[moved.indexOf(parameter)] ?? parameter;
  const part = learnPart(g, number, latest);
  const more = [...part.gradients.flatMap((gradient) => gradient ?? []), ...part.measures.values()];
  const next = [
    ...running.map((value) => part.running.get(value.name) ?? value),
    ...more.map((value, index) => addScaled(g, value, carried[moved.length + index] ?? value, 1)),
  ];
  const tape = [...g.tape];
  return { carried: next, scanned: [], costOfPart: (size) => stepCost(tape, carried, next, size) };
}

/** What the loop has made of everything, in the places where one part has it. */
function collected(
  g: GraphBuilder,
  draft: LossGradients,
  moved: readonly Value[],
  { factor }: AccumulatedValues,
  sums: readonly Value[],
): LossGradients {
  const measures = new Map(
    [...draft.measures.keys()].map((name, index) => [
      name,
      sums[sums.length - draft.measures.size + index] ?? factor,
    ]),
  );
  const scale = div(g, factor, measures.get(ports.weight) ?? 1);
  let next = moved.length;
  const gradients = draft.gradients.map((gradient) => {
    if (gradient === undefined) return undefined;
    const sum = sums[next];
    next += 1;
    return sum && mul(g, sum, scale);
  });
  const running = new Map(moved.map(({ name }, index) => [name, sums[index] ?? factor]));
  return { ...draft, gradients, running, measures };
}
