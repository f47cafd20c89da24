import { mul } from "../arithmetic.ts";
import { matrixProduct, reshapeLike, rowsOf, sumTo, unsqueeze } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { LinearAlgebraSignatures } from "../operators/linear-algebra.ts";

export const linearAlgebraGradients: GradientTable<keyof LinearAlgebraSignatures> = {
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

  // y = ab: da = dy bᵀ, db = aᵀ dy, over the last two axes; vectors count as matrices
  MatMul: (g, { inputs: [a, b] }, dy) => {
    const [rowVector, columnVector] = [a.shape.length === 1, b.shape.length === 1];
    const left = rowVector ? unsqueeze(g, a, 0) : a;
    const right = columnVector ? unsqueeze(g, b, 1) : b;
    const dp = unsqueeze(g, dy, ...(rowVector ? [-2] : []), ...(columnVector ? [-1] : []));
    const da = () => matrixProduct(g, dp, right, { transB: 1 });
    // A matrix shared by a whole batch: one product over all rows instead of a sum of products.
    const db = () =>
      right.shape.length === 2
        ? matrixProduct(g, rowsOf(g, left), rowsOf(g, dp), { transA: 1 })
        : matrixProduct(g, left, dp, { transA: 1 });
    return [
      () => reshapeLike(g, sumTo(g, da(), left.shape), a),
      () => reshapeLike(g, sumTo(g, db(), right.shape), b),
    ];
  },
};
