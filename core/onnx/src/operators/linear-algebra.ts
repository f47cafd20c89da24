import { type Flag, mismatch, type None, type OperatorTable, sameType, type Value } from "../operator.ts";
import { broadcast, type Dimension, type Shape, sameShape } from "../shape.ts";

export interface LinearAlgebraSignatures {
  Gemm: {
    inputs: readonly [a: Value, b: Value, c?: Value];
    attributes: { alpha?: number; beta?: number; transA?: Flag; transB?: Flag };
  };
  MatMul: { inputs: readonly [a: Value, b: Value]; attributes: None };
}

export const linearAlgebraOperators: OperatorTable<LinearAlgebraSignatures> = {
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

/** numpy.matmul: vectors are promoted to matrices and the added dimension is dropped again. */
function matMulShape(a: Value, b: Value): Shape {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const [m, k] = left.slice(-2);
  const [inner, n] = right.slice(-2);
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
  if (m === undefined || n === undefined || k !== inner || batch === undefined) {
    throw mismatch("the matrices do not fit", a, b);
  }
  return [...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
}
