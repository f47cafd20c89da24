import { cast } from "./arithmetic.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { mismatch, type Value } from "./operator.ts";
import { isStatic, type Shape, sameShape } from "./shape.ts";

// What several gradient rules have in common.

/**
 * Undoes a broadcast: sums `x` over the axes along which `shape` was repeated,
 * so that the result has exactly `shape`.
 */
export function sumTo(g: GraphBuilder, x: Value, shape: Shape): Value {
  const added = x.shape.length - shape.length;
  const leading = [...Array(added).keys()];
  const repeated = shape.flatMap((size, axis) =>
    size === 1 && x.shape[axis + added] !== 1 ? [axis + added] : [],
  );
  const kept = repeated.length === 0 ? x : g.node("ReduceSum", [x, g.integers(...repeated)], { keepdims: 1 });
  return added === 0 ? kept : g.node("ReduceSum", [kept, g.integers(...leading)], { keepdims: 0 });
}

/** The sum of all elements, a scalar. */
export function sumAll(g: GraphBuilder, x: Value): Value {
  return x.shape.length === 0 ? x : g.node("ReduceSum", [x, g.integers(...x.shape.keys())], { keepdims: 0 });
}

/** The sums along one axis, which stays, of one element. */
export function sumAlong(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node("ReduceSum", [x, g.integers(axis)], { keepdims: 1 });
}

/** The same elements in the shape of another value. */
export function reshapeLike(g: GraphBuilder, x: Value, like: Value): Value {
  if (sameShape(x.shape, like.shape)) return x;
  const names = like.shape.filter((dimension) => typeof dimension === "string");
  if (names.length > 1)
    return { ...g.node("Reshape", [x, g.node("Shape", [like], {})], {}), shape: like.shape };
  const target = like.shape.map((dimension) => (typeof dimension === "string" ? -1 : dimension));
  return { ...g.node("Reshape", [x, g.integers(...target)], { allowzero: 0 }), shape: like.shape };
}

/** Repeats `x`, which broadcasts against it, to the shape of another value. */
export function expandLike(g: GraphBuilder, x: Value, like: Value): Value {
  if (sameShape(x.shape, like.shape)) return x;
  return { ...g.node("Expand", [x, shapeOf(g, like)], {}), shape: like.shape };
}

/** Zeros in type and shape of another value. */
export function zerosLike(g: GraphBuilder, like: Value): Value {
  return expandLike(g, g.scalar(0, like.type), like);
}

export function onesLike(g: GraphBuilder, like: Value): Value {
  return expandLike(g, g.scalar(1, like.type), like);
}

/** How many elements there are, a scalar in the value's own type. */
export function elementsOf(g: GraphBuilder, x: Value): Value {
  return cast(g, g.node("Size", [x], {}), x.type);
}

/** [channels] so that it broadcasts against x [batch, channels, ...]. */
export function alongChannels(g: GraphBuilder, value: Value, x: Value): Value {
  return g.node("Reshape", [value, g.integers(-1, ...x.shape.slice(2).map(() => 1))], {});
}

/** [batch, channels, ...] summed to [channels]. */
export function channelSums(g: GraphBuilder, x: Value): Value {
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1);
  return g.node("ReduceSum", [x, g.integers(...axes)], { keepdims: 0 });
}

export function unsqueeze(g: GraphBuilder, x: Value, ...axes: readonly number[]): Value {
  return axes.length === 0 ? x : g.node("Unsqueeze", [x, g.integers(...axes)], {});
}

/** The axes in another order; nothing where they are in it already. */
export function transpose(g: GraphBuilder, x: Value, perm: readonly number[]): Value {
  return perm.every((from, to) => from === to) ? x : g.node("Transpose", [x], { perm });
}

/** [batch, channels, ...] with batch and channels in each other's place. */
export function swapFirstAxes(g: GraphBuilder, x: Value): Value {
  return transpose(g, x, [1, 0, ...x.shape.slice(2).map((_, axis) => axis + 2)]);
}

/** A batch of matrices as one matrix with the rows of all of them: [..., m, k] to [?, k]. */
export function rowsOf(g: GraphBuilder, x: Value): Value {
  if (x.shape.length === 2) return x;
  const columns = x.shape.at(-1);
  if (typeof columns !== "number") throw mismatch("the last axis of a matrix has no fixed size", x);
  return g.node("Reshape", [x, g.integers(-1, columns)], {});
}

/**
 * numpy.matmul: a vector is promoted to a matrix, and the axis it gets is dropped
 * again. Written out, as the runtime goes wrong where a transposed matrix meets a vector.
 */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  const [rowVector, columnVector] = [a.shape.length === 1, b.shape.length === 1];
  const [left, right] = [rowVector ? unsqueeze(g, a, 0) : a, columnVector ? unsqueeze(g, b, 1) : b];
  const product = g.node("MatMul", [left, right], {});
  const added = [...(rowVector ? [-2] : []), ...(columnVector ? [-1] : [])];
  return added.length === 0 ? product : g.node("Squeeze", [product, g.integers(...added)], {});
}

/** The product of the last two axes, of either operand transposed; one Gemm where there is no batch. */
export function matrixProduct(
  g: GraphBuilder,
  a: Value,
  b: Value,
  { transA = 0, transB = 0 }: { readonly transA?: 0 | 1; readonly transB?: 0 | 1 },
): Value {
  if (a.shape.length === 2 && b.shape.length === 2) return g.node("Gemm", [a, b], { transA, transB });
  return g.node("MatMul", [transA ? swapLastAxes(g, a) : a, transB ? swapLastAxes(g, b) : b], {});
}

/** The shape of a value as a tensor: a constant where it is fixed. */
function shapeOf(g: GraphBuilder, x: Value): Value {
  return isStatic(x.shape) ? g.integers(...x.shape) : g.node("Shape", [x], {});
}

function swapLastAxes(g: GraphBuilder, x: Value): Value {
  const rank = x.shape.length;
  const batch = [...Array(rank - 2).keys()];
  return g.node("Transpose", [x], { perm: [...batch, rank - 1, rank - 2] });
}
