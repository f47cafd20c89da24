import { elementTypes } from "./element-type.ts";
import { sumAll, unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";

export type LossName = "softmax-cross-entropy";

/** What a loss says about one batch of scores and labels. */
export interface Loss {
  /** Scalar: the sum over the examples of the batch. */
  readonly sum: Value;
  /** Scalar: how many examples of the batch were predicted right, in the type of the scores. */
  readonly correct: Value;
  /** Gradient of `factor * sum` by the scores, in their shape; `factor` is a scalar. */
  gradient(factor: Value): Value;
}

/**
 * @param scores [batch, classes], raw
 * @param labels int32 [batch], 0 <= label < classes
 */
export type LossRule = (graph: GraphBuilder, scores: Value, labels: Value) => Loss;

export const losses: { readonly [Name in LossName]: LossRule } = {
  // l = -log softmax(z)[label], dz = softmax(z) - onehot(label)
  "softmax-cross-entropy": (g, scores, labels) => {
    const logProbabilities = g.node("LogSoftmax", [scores], { axis: -1 });
    const target = oneHot(g, labels, scores);
    return {
      sum: g.node("Neg", [sumAll(g, g.node("Mul", [target, logProbabilities], {}))], {}),
      correct: countCorrect(g, scores, labels),
      gradient: (factor) => {
        const probabilities = g.node("Exp", [logProbabilities], {});
        return g.node("Mul", [g.node("Sub", [probabilities, target], {}), factor], {});
      },
    };
  },
};

/** [batch, classes] of ones at the labels; composed, because ONNX Runtime's OneHot knows no float64. */
function oneHot(g: GraphBuilder, labels: Value, scores: Value): Value {
  const classes = scores.shape.at(-1);
  if (typeof classes !== "number") throw new TypeError("the number of classes is not fixed");
  const indices = g.constant(Int32Array.from(Array(classes).keys()), [1, classes]);
  const hits = g.node("Equal", [unsqueeze(g, labels, 1), indices], {});
  return g.node("Cast", [hits], { to: elementTypes[scores.type].code });
}

function countCorrect(g: GraphBuilder, scores: Value, labels: Value): Value {
  const predicted = g.node("ArgMax", [scores], { axis: -1, keepdims: 0 });
  const hits = g.node("Equal", [g.node("Cast", [predicted], { to: elementTypes.int32.code }), labels], {});
  return sumAll(g, g.node("Cast", [hits], { to: elementTypes[scores.type].code }));
}
