import { add, div, exp, mul, neg, sub } from "../arithmetic.ts";
import {
  alongChannels,
  channelSums,
  elementsOf,
  onesLike,
  sumAlong,
  zerosLike,
} from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { NormalizationSignatures } from "../operators/normalization.ts";

export const normalizationGradients: GradientTable<keyof NormalizationSignatures> = {
  // x̂ = (x - μ)/s with s = √(σ² + ε), y = γx̂ + β, means over n values of a channel (Ioffe and Szegedy 2015):
  // dβ = Σdy, dγ = Σ dy x̂, dx = γ/s (dy - dβ/n - x̂ dγ/n)
  BatchNormalization: (g, node, dy) => {
    const {
      inputs: [x, scale],
      attributes: { epsilon },
    } = node;
    const [, mean, variance] = node.outputs;
    if (mean === undefined || variance === undefined) throw new TypeError("the moments were not asked for");
    const deviation = g.node("Sqrt", [add(g, variance, epsilon)], {});
    const centred = sub(g, x, alongChannels(g, mean, x));
    const biasGradient = channelSums(g, dy);
    const scaleGradient = div(g, channelSums(g, mul(g, dy, centred)), deviation);
    const factor = div(g, scale, deviation);
    const perValue = div(g, factor, div(g, elementsOf(g, x), elementsOf(g, mean)));
    return [
      () => {
        const slope = div(g, mul(g, perValue, scaleGradient), deviation);
        const straight = linear(g, dy, factor, neg(g, mul(g, perValue, biasGradient)));
        return sub(g, straight, mul(g, centred, alongChannels(g, slope, x)));
      },
      () => scaleGradient,
      () => biasGradient,
      undefined,
      undefined,
    ];
  },

  // y = x - ln Σeˣ: dx = dy - eʸ Σdy
  LogSoftmax: (g, { output: y, attributes: { axis = -1 } }, dy) => [
    () => sub(g, dy, mul(g, exp(g, y), sumAlong(g, dy, axis))),
  ],

  // y = eˣ/Σeˣ: dx = y (dy - Σ dy y)
  Softmax: (g, { output: y, attributes: { axis = -1 } }, dy) => [
    () => mul(g, y, sub(g, dy, sumAlong(g, mul(g, dy, y), axis))),
  ],
};

/** factor · x + shift by channel, in one pass over x. */
function linear(g: GraphBuilder, x: Value, factor: Value, shift: Value): Value {
  const [zero, one] = [zerosLike(g, factor), onesLike(g, factor)];
  return g.node("BatchNormalization", [x, factor, shift, zero, one], { epsilon: 0 });
}
