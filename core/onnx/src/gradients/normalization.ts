import { exp, mul, sub } from "../arithmetic.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { NormalizationSignatures } from "../operators/normalization.ts";

export const normalizationGradients: GradientTable<keyof NormalizationSignatures> = {
  // y = x - ln Σeˣ: dx = dy - eʸ Σdy
  LogSoftmax: (g, { output: y, attributes: { axis = -1 } }, dy) => [
    () => sub(g, dy, mul(g, exp(g, y), sumAlong(g, dy, axis))),
  ],

  // y = eˣ/Σeˣ: dx = y (dy - Σ dy y)
  Softmax: (g, { output: y, attributes: { axis = -1 } }, dy) => [
    () => mul(g, y, sub(g, dy, sumAlong(g, mul(g, dy, y), axis))),
  ],
};

function sumAlong(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node("ReduceSum", [x, g.integers(axis)], { keepdims: 1 });
}
