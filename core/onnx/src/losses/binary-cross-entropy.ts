import { add, cast, exp, greater, mul, neg, sub } from "../arithmetic.ts";
import { sumAll, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { type LossRule, lengthOf, perExample } from "./loss-rule.ts";

export interface BinaryCrossEntropyOptions {
  /**
   * "classes": 0 or 1, int32, of which a model of one score for each example has one for
   * each; "probabilities": float32. "classes" when absent.
   */
  readonly targets?: "classes" | "probabilities";
  /** What the positive class counts, against 1; 1 when absent. */
  readonly positiveWeight?: number;
}

/**
 * Of raw scores z, each a decision of its own, averaged over all of them:
 * l = (1 - t)z + (1 + (ω - 1)t) ln(1 + e⁻ᶻ), dz = (1 - t) - (1 + (ω - 1)t)(1 - σ(z))
 */
export function binaryCrossEntropy({
  targets = "classes",
  positiveWeight = 1,
}: BinaryCrossEntropyOptions): LossRule {
  return {
    activation: { op: "Sigmoid" },
    target: (output) => {
      const isOne = output.length === 1 && output[0] === 1;
      if (targets === "classes") return { type: "int32", shape: isOne ? [] : output, classes: 2 };
      return { type: "float32", shape: output, classes: undefined };
    },
    emit: (g, scores, target) => {
      const t = cast(g, likeScores(g, target, scores), scores.type);
      const rest = sub(g, 1, t);
      const size = positiveWeight === 1 ? undefined : add(g, mul(g, t, positiveWeight - 1), 1);
      const scaled = (x: Value): Value => (size === undefined ? x : mul(g, size, x));
      const count = lengthOf(g, scores, scores, perExample(scores));
      const hits = g.node("Equal", [greater(g, scores, 0), greater(g, t, 0.5)], {});
      return {
        sum: sumAll(g, add(g, mul(g, rest, scores), scaled(softplus(g, neg(g, scores))))),
        weight: count,
        predictions: { correct: sumAll(g, cast(g, hits, scores.type)), counted: count },
        ...(perExample(scores) === 1 && targets === "classes" && { margin: column(g, scores) }),
        gradient: (factor) => {
          const doubt = g.node("Sigmoid", [neg(g, scores)], {});
          return mul(g, sub(g, rest, scaled(doubt)), factor);
        },
      };
    },
  };
}

/** ln(1 + eˣ) without overflow; composed, because ONNX Runtime's Softplus knows no float64. */
function softplus(g: GraphBuilder, x: Value): Value {
  const small = exp(g, neg(g, g.node("Abs", [x], {})));
  return add(g, g.node("Relu", [x], {}), g.node("Log", [add(g, small, 1)], {}));
}

function likeScores(g: GraphBuilder, target: Value, scores: Value): Value {
  return target.shape.length < scores.shape.length ? column(g, target) : target;
}

function column(g: GraphBuilder, x: Value): Value {
  return x.shape.length === 1 ? unsqueeze(g, x, 1) : x;
}
