import { elementTypes } from "./element-type.ts";
import { matrixProduct, reshapeLike, rowsOf, sumTo, unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder, TapeNode } from "./graph-builder.ts";
import type { Value } from "./operators.ts";

/** Operators that training can go through. */
export type TrainableOperator = "Add" | "Flatten" | "Gemm" | "MatMul" | "Relu" | "Reshape";

/** Emits the gradient of one input; called only when someone needs it. */
export type Partial = () => Value;

/**
 * Reverse-mode rule of an operator: given dy, the gradient of the loss by its
 * output, one thunk per input that gives the gradient by that input, in its
 * shape. `undefined` stands for inputs that have none (a shape, an index).
 */
export type GradientRule<Op extends TrainableOperator> = (
  graph: GraphBuilder,
  node: TapeNode<Op>,
  dy: Value,
) => readonly (Partial | undefined)[];

/**
 * The rules, one per operator: a missing one does not compile. Each is checked
 * against finite differences in float64 (gradient-cases.ts).
 */
export const gradientRules: { readonly [Op in TrainableOperator]: GradientRule<Op> } = {
  // y = a + b: da = dy, db = dy, summed over what was broadcast
  Add: (g, { inputs: [a, b] }, dy) => [() => sumTo(g, dy, a.shape), () => sumTo(g, dy, b.shape)],

  // y = x in another shape: dx = dy in x's shape
  Flatten: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x)],

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
    c && (() => scaled(g, sumTo(g, dy, c.shape), beta)),
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

  // y = max(x, 0): dx = dy where y > 0
  Relu: (g, { output }, dy) => [
    () => {
      const positive = g.node("Greater", [output, g.scalar(0, output.type)], {});
      return g.node("Mul", [dy, g.node("Cast", [positive], { to: elementTypes[dy.type].code })], {});
    },
  ],

  // y = x in another shape: dx = dy in x's shape
  Reshape: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x), undefined],
};

export const trainableOperators: readonly TrainableOperator[] = Object.keys(
  gradientRules,
) as TrainableOperator[];

export function isTrainable(op: string): op is TrainableOperator {
  return Object.hasOwn(gradientRules, op);
}

function scaled(g: GraphBuilder, x: Value, factor: number): Value {
  return factor === 1 ? x : g.node("Mul", [x, g.scalar(factor, x.type)], {});
}
