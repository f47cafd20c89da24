import { SelvedgeError } from "@selvedge/protocol";
import { exp, mul, neg, sub } from "../arithmetic.ts";
import { sumAll, sumAlong, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { axisOf, type Value } from "../operator.ts";
import { classesOf, classPredictions, oneHot, present } from "./class-predictions.ts";
import {
  type BatchLoss,
  type LossRule,
  lengthOf,
  perExample,
  type TargetFormat,
  unfit,
} from "./loss-rule.ts";

export interface SoftmaxCrossEntropyOptions {
  /** "index": the class, int32; "probabilities": one number for each class. "index" when absent. */
  readonly targets?: "index" | "probabilities";
  /** Axis of the output, with the batch, along which the classes lie; the last when absent. Exports of PyTorch have 1. */
  readonly axis?: number;
  /** What each class counts; 1 when absent. With targets that are indices the mean is weighted. */
  readonly classWeights?: readonly number[];
  /** Share of every target that is spread over all classes, 0 <= x < 1. */
  readonly labelSmoothing?: number;
  /** An index that says: not here. Such places count for nothing. */
  readonly ignoreIndex?: number;
}

/**
 * l = -Σ q log softmax(z), dz = softmax(z) Σq - q along the axis of the classes, with
 * q the target: smoothed, times the weights of the classes, 0 where it is ignored.
 */
export function softmaxCrossEntropy(options: SoftmaxCrossEntropyOptions): LossRule {
  const { axis = -1, targets = "index" } = options;
  return {
    activation: { op: "Softmax", axis },
    target: (output) => targetOf(output, options),
    emit: (g, scores, target) => {
      const logProbabilities = g.node("LogSoftmax", [scores], { axis });
      const place = axisOf(axis, scores.shape.length);
      const all = lengthOf(g, target, scores, perExample(scores) / classesOf(scores, place));
      const { q, total, weight } = weighted(g, scores, target, place, all, options);
      const loss: BatchLoss = {
        sum: neg(g, sumAll(g, mul(g, q, logProbabilities))),
        weight,
        predictions: classPredictions(g, scores, logProbabilities, target, place, all, options),
        gradient: (factor) => {
          const probabilities = exp(g, logProbabilities);
          const expected = total === undefined ? probabilities : mul(g, probabilities, total);
          return mul(g, sub(g, expected, q), factor);
        },
      };
      const isBinary = targets === "index" && scores.shape.length === 2 && scores.shape[1] === 2;
      return isBinary ? { ...loss, margin: marginOf(g, scores) } : loss;
    },
  };
}

interface WeightedTarget {
  readonly q: Value;
  /** Σq along the axis of the classes; undefined where it is 1 everywhere. */
  readonly total: Value | undefined;
  readonly weight: Value;
}

function weighted(
  g: GraphBuilder,
  scores: Value,
  target: Value,
  axis: number,
  all: Value,
  { targets = "index", classWeights, labelSmoothing = 0, ignoreIndex }: SoftmaxCrossEntropyOptions,
): WeightedTarget {
  const classes = classesOf(scores, axis);
  const isIndex = targets === "index";
  const hard = isIndex ? oneHot(g, target, scores, axis) : target;
  let q = hard;
  if (labelSmoothing > 0) {
    const spread = g.scalar(labelSmoothing / classes, scores.type);
    q = g.node("Add", [mul(g, q, 1 - labelSmoothing), spread], {});
  }
  const weights = classWeights && along(g, classWeights, scores, axis);
  if (weights !== undefined) q = mul(g, q, weights);
  const mask = ignoreIndex === undefined ? undefined : present(g, target, scores, ignoreIndex);
  if (mask !== undefined) q = mul(g, q, unsqueeze(g, mask, axis));
  const isPlain = isIndex && weights === undefined && mask === undefined;
  const total = isPlain ? undefined : sumAlong(g, q, axis);
  if (!isIndex || isPlain) return { q, total, weight: all };
  // An ignored index is the index of no class, or of one whose places must not count.
  const counted =
    weights === undefined ? mask : g.node("ReduceSum", [maskedWeights(), g.integers(axis)], { keepdims: 0 });
  const sum = counted === undefined ? all : sumAll(g, counted);
  // A batch of nothing but ignored places, or classes that weigh nothing, has a mean, and a gradient, of 0.
  const mayBeNothing = mask !== undefined || (labelSmoothing === 0 && classWeights?.includes(0) === true);
  return { q, total, weight: mayBeNothing ? g.node("Max", [sum, g.scalar(tiny, sum.type)], {}) : sum };

  function maskedWeights(): Value {
    const own = weights === undefined ? hard : mul(g, hard, weights);
    return mask === undefined ? own : mul(g, own, unsqueeze(g, mask, axis));
  }
}

/** One number for each class, so that it broadcasts against the scores. */
function along(g: GraphBuilder, values: readonly number[], scores: Value, axis: number): Value {
  const shape = [values.length, ...scores.shape.slice(axis + 1).map(() => 1)];
  const data = scores.type === "float64" ? Float64Array.from(values) : Float32Array.from(values);
  return g.constant(data, shape);
}

function marginOf(g: GraphBuilder, scores: Value): Value {
  const signs = scores.type === "float64" ? Float64Array.of(-1, 1) : Float32Array.of(-1, 1);
  return g.node("MatMul", [scores, g.constant(signs, [2, 1])], {});
}

function targetOf(output: readonly number[], options: SoftmaxCrossEntropyOptions): TargetFormat {
  const { axis = -1, targets = "index", classWeights, labelSmoothing = 0, ignoreIndex } = options;
  const place = axis < 0 ? axis + output.length : axis - 1;
  const classes = output[place];
  if (classes === undefined) throw unfit("softmax-cross-entropy", output, `classes along its axis ${axis}`);
  if (classWeights !== undefined && classWeights.length !== classes) {
    throw new SelvedgeError(
      "invalid_argument",
      `${classWeights.length} class weights for ${classes} classes`,
      {
        fix: "give one for each class",
      },
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new SelvedgeError("invalid_argument", `label smoothing of ${labelSmoothing}`, {
      fix: "give at least 0 and below 1",
    });
  }
  if (targets === "probabilities") {
    if (ignoreIndex === undefined) return { type: "float32", shape: output, classes: undefined };
    throw new SelvedgeError("invalid_argument", "probabilities have no index to ignore", {
      fix: "give targets that are indices, or no index to ignore",
    });
  }
  return { type: "int32", shape: output.toSpliced(place, 1), classes };
}

/** So small that it changes no other sum. */
const tiny = 1e-30;
