import { cast, greater, mul, neg } from "../arithmetic.ts";
import { sumAll, sumAlong, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { Predictions } from "./loss-rule.ts";
import type { SoftmaxCrossEntropyOptions } from "./softmax-cross-entropy.ts";

/**
 * Of scores of classes along an axis; a class is predicted where its score is the highest.
 *
 * @param logProbabilities of the scores, in their shape
 * @param all of how many, where none is ignored
 */
export function classPredictions(
  g: GraphBuilder,
  scores: Value,
  logProbabilities: Value,
  target: Value,
  axis: number,
  all: Value,
  { targets = "index", ignoreIndex }: SoftmaxCrossEntropyOptions,
): Predictions {
  const largest = (x: Value): Value => cast(g, g.node("ArgMax", [x], { axis, keepdims: 0 }), "int32");
  const labels = targets === "index" ? target : largest(target);
  const predicted = largest(scores);
  const mask = ignoreIndex === undefined ? undefined : present(g, target, scores, ignoreIndex);
  const masked = (x: Value): Value => (mask === undefined ? x : mul(g, x, mask));
  const hits = cast(g, g.node("Equal", [predicted, labels], {}), scores.type);
  return {
    correct: sumAll(g, masked(hits)),
    counted: mask === undefined ? all : sumAll(g, mask),
    among: (k) => {
      const own = sumAlong(g, mul(g, oneHot(g, labels, scores, axis), scores), axis);
      const higher = g.node("ReduceSum", [greater(g, scores, own), g.integers(axis)], { keepdims: 0 });
      const isAmong = g.node("Less", [higher, g.scalar(k, scores.type)], {});
      return sumAll(g, masked(cast(g, isAmong, scores.type)));
    },
    logLoss: () => {
      const own = mul(g, oneHot(g, labels, scores, axis), logProbabilities);
      const places = g.node("ReduceSum", [own, g.integers(axis)], { keepdims: 0 });
      return neg(g, sumAll(g, masked(places)));
    },
    countsOfClasses: () => {
      const wide = (x: Value): Value => (mask === undefined ? x : mul(g, x, unsqueeze(g, mask, axis)));
      const were = wide(oneHot(g, labels, scores, axis));
      const guessed = wide(oneHot(g, predicted, scores, axis));
      const others = scores.shape.flatMap((_, each) => (each === axis ? [] : [each]));
      const count = (x: Value): Value =>
        unsqueeze(g, g.node("ReduceSum", [x, g.integers(...others)], { keepdims: 0 }), 0);
      const counts = [count(mul(g, were, guessed)), count(guessed), count(were)] as const;
      return g.node("Concat", counts, { axis: 0 });
    },
  };
}

/** Ones at the labels; composed, because ONNX Runtime's OneHot knows no float64. */
export function oneHot(g: GraphBuilder, labels: Value, scores: Value, axis: number): Value {
  const classes = classesOf(scores, axis);
  const shape = scores.shape.slice(axis).map((_, index) => (index === 0 ? classes : 1));
  const indices = g.constant(Int32Array.from(Array(classes).keys()), shape);
  const hits = g.node("Equal", [unsqueeze(g, labels, axis), indices], {});
  return cast(g, hits, scores.type);
}

/** 1 where there is a label, 0 where it is ignored. */
export function present(g: GraphBuilder, labels: Value, scores: Value, ignoreIndex: number): Value {
  const ignored = g.node("Equal", [labels, g.constant(Int32Array.of(ignoreIndex), [])], {});
  return cast(g, g.node("Not", [ignored], {}), scores.type);
}

export function classesOf(scores: Value, axis: number): number {
  const classes = scores.shape[axis];
  if (typeof classes === "number") return classes;
  throw new TypeError("the number of classes is not fixed");
}
