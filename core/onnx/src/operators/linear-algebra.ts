import { type Flag, mismatch, type None, type OperatorTable, sameType, type Value } from "../operator.ts";
import { broadcast, type Dimension, type Shape, sameShape } from "../shape.ts";

export interface LinearAlgebraSignatures {
  CumSum: { inputs: readonly [x: Value, axis: Value]; attributes: { exclusive?: Flag; reverse?: Flag } };
  Gemm: {
    inputs: readonly [a: Value, b: Value, c?: Value];
    attributes: { alpha?: number; beta?: number; transA?: Flag; transB?: Flag };
  };
  /** Of two matrices, or batches of them. */
  MatMul: { inputs: readonly [a: Value, b: Value]; attributes: None };
}

export const linearAlgebraOperators: OperatorTable<LinearAlgebraSignatures> = {
  CumSum: {
    arity: [2, 2],
    attributes: { exclusive: "int", reverse: "int" },
    infer: ([x, axis]) => {
      if (x.shape.length === 0 || axis.shape.length > 1) throw mismatch("there is no axis", x, axis);
      return { type: x.type, shape: x.shape };
    },
  },
  Gemm: {
    arity: [2, 3],
    attributes: { alpha: "float", beta: "float", transA: "int", transB: "int" },
    infer: ([a, b, c], { transA = 0, transB = 0 }) => {
      const [m, k] = matrix(a, transA);
      const [inner, n] = matrix(b, transB);
      if (k !== inner) throw mismatch("the inner dimensions differ", a, b);
      if (c !== undefined && !sameShape(broadcast(c.shape, [m, n]) ?? [], [m, n])) {
        throw mismatch("the bias does not fit the product", a, b, c);
      }
      return { type: sameType(a, b), shape: [m, n] };
    },
    multiplyAdds: ([a], { transA = 0 }) => matrix(a, transA)[1],
  },
  MatMul: {
    arity: [2, 2],
    attributes: {},
    infer: ([a, b]) => ({ type: sameType(a, b), shape: matMulShape(a, b) }),
    multiplyAdds: ([a]) => a.shape.at(-1) ?? 1,
  },
};

function matrix(x: Value, transposed: Flag): readonly [Dimension, Dimension] {
  const [rows, columns, more] = x.shape;
  if (rows === undefined || columns === undefined || more !== undefined) {
    throw mismatch("a matrix was expected", x);
  }
  return transposed ? [columns, rows] : [rows, columns];
}

/** Matrices in the last two axes, and batches of them that broadcast. */
function matMulShape(a: Value, b: Value): Shape {
  const [m, k] = a.shape.slice(-2);
  const [inner, n] = b.shape.slice(-2);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (m === undefined || k === undefined || n === undefined || k !== inner || batch === undefined) {
    throw mismatch("the matrices do not fit", a, b);
  }
  return [...batch, m, n];
}
