import { mul } from "../arithmetic.ts";
import { matrixProduct, rowsOf, sumTo } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { LinearAlgebraSignatures } from "../operators/linear-algebra.ts";
import { isStatic } from "../shape.ts";

export const linearAlgebraGradients: GradientTable<keyof LinearAlgebraSignatures> = {
  // y = the sum of what comes before: dx = the sum of the dy that come after
  CumSum: (g, { inputs: [, axis], attributes: { exclusive = 0, reverse = 0 } }, dy) => [
    () => g.node("CumSum", [dy, axis], { exclusive, reverse: reverse ? 0 : 1 }),
    undefined,
  ],

  // y = αAB + βc, where A = a or aᵀ, B = b or bᵀ: dA = α dy Bᵀ, dB = α Aᵀ dy, dc = β dy
  Gemm: (g, { inputs: [a, b, c], attributes: { alpha = 1, beta = 1, transA = 0, transB = 0 } }, dy) => [
    () =>
      transA
        ? g.node("Gemm", [b, dy], { alpha, transA: transB, transB: 1 })
        : g.node("Gemm", [dy, b], { alpha, transB: transB ? 0 : 1 }),
    () =>
      transB
        ? g.node("Gemm", [dy, a], { alpha, transA: 1, transB: transA })
        : g.node("Gemm", [a, dy], { alpha, transA: transA ? 0 : 1 }),
    c && (() => mul(g, sumTo(g, dy, c.shape), beta)),
  ],

  // y = ab: da = dy bᵀ, db = aᵀ dy, over the last two axes
  MatMul: (g, { inputs: [a, b] }, dy) => {
    // A matrix shared by a whole batch: one product over all rows instead of a sum of products.
    const db = () =>
      b.shape.length === 2 && isStatic(b.shape)
        ? matrixProduct(g, rowsOf(g, a), rowsOf(g, dy), { transA: 1 })
        : matrixProduct(g, a, dy, { transA: 1 });
    return [() => sumTo(g, matrixProduct(g, dy, b, { transB: 1 }), a.shape), () => sumTo(g, db(), b.shape)];
  },
};
