import {
  axesOf,
  axisOf,
  constantInput,
  type Flag,
  type Inference,
  mismatch,
  type None,
  type OperatorTable,
  sameType,
  type TensorType,
  TypeMismatch,
  type Value,
} from "../operator.ts";
import {
  broadcast,
  type Dimension,
  describeShape,
  isStatic,
  productOf,
  quotientOf,
  type Shape,
  sameShape,
} from "../shape.ts";
import { slicedAxes } from "../slice-range.ts";

/** Operators that put the same values elsewhere. */
export interface MovementSignatures {
  Concat: { inputs: readonly [first: Value, ...rest: Value[]]; attributes: { axis: number } };
  Expand: { inputs: readonly [x: Value, shape: Value]; attributes: None };
  Flatten: { inputs: readonly [x: Value]; attributes: { axis?: number } };
  /** Of a constant value, for all axes. */
  Pad: { inputs: readonly [x: Value, pads: Value, value?: Value]; attributes: { mode?: "constant" } };
  Reshape: { inputs: readonly [x: Value, shape: Value]; attributes: { allowzero?: Flag } };
  /** Each element repeated over a block. */
  Resize: {
    inputs: readonly [x: Value, roi: undefined, scales: Value];
    attributes: { mode: "nearest"; coordinate_transformation_mode: "asymmetric"; nearest_mode: "floor" };
  };
  Slice: {
    inputs: readonly [x: Value, starts: Value, ends: Value, axes?: Value, steps?: Value];
    attributes: None;
  };
  Split: {
    inputs: readonly [x: Value, sizes?: Value];
    attributes: { axis?: number; num_outputs?: number };
  };
  Squeeze: { inputs: readonly [x: Value, axes?: Value]; attributes: None };
  Transpose: { inputs: readonly [x: Value]; attributes: { perm?: readonly number[] } };
  Unsqueeze: { inputs: readonly [x: Value, axes: Value]; attributes: None };
}

export const movementOperators: OperatorTable<MovementSignatures> = {
  Concat: {
    arity: [1, 1_024],
    attributes: { axis: "int" },
    required: ["axis"],
    infer: (inputs, { axis }, graph) => {
      const type = sameType(...inputs);
      return { type, shape: concatenated(inputs, axis, type.startsWith("int") ? graph : undefined) };
    },
  },
  Expand: {
    arity: [2, 2],
    attributes: {},
    infer: ([x, shape], _, graph) => {
      const target = graph.contentsOf(shape);
      if (target === undefined) return { type: x.type, shape: freshShape(shape, graph) };
      const expanded = broadcast(x.shape, target);
      if (expanded === undefined) throw mismatch(`cannot expand to ${describeShape(target)}`, x);
      return { type: x.type, shape: expanded };
    },
  },
  Flatten: {
    arity: [1, 1],
    attributes: { axis: "int" },
    infer: ([x], { axis = 1 }) => {
      // The axis may be one past the last: then everything is one row.
      const at = axis === x.shape.length ? axis : axisOf(axis, x.shape.length);
      return { type: x.type, shape: [productOf(x.shape.slice(0, at)), productOf(x.shape.slice(at))] };
    },
  },
  Pad: {
    arity: [2, 3],
    attributes: { mode: "string" },
    infer: ([x, pads], _, graph) => ({
      type: x.type,
      shape: padded(x, constantInput(pads, "pads", graph)),
    }),
  },
  Reshape: {
    arity: [2, 2],
    attributes: { allowzero: "int" },
    infer: ([x, shape], { allowzero = 0 }, graph) => ({
      type: x.type,
      shape: reshaped(x, shape, allowzero, graph),
    }),
  },
  Resize: {
    arity: [3, 3],
    unused: [1],
    attributes: { mode: "string", coordinate_transformation_mode: "string", nearest_mode: "string" },
    infer: ([x, , scales], _, graph) => {
      const factors = constantInput(scales, "scales", graph);
      if (factors.length !== x.shape.length) throw mismatch(`${factors.length} factors do not fit`, x);
      return { type: x.type, shape: x.shape.map((size, axis) => productOf([size, factors[axis] ?? 1])) };
    },
  },
  Slice: {
    arity: [3, 5],
    attributes: {},
    infer: ([x, starts, ends, axes, steps], _, graph) => {
      const sliced = slicedAxes(x.shape, [starts, ends, axes, steps], graph);
      return {
        type: x.type,
        shape: x.shape.map((size, axis) => {
          if (!sliced.has(axis)) return size;
          return sliced.get(axis)?.length ?? graph.freshDimension();
        }),
      };
    },
  },
  Split: {
    arity: [1, 2],
    attributes: { axis: "int", num_outputs: "int" },
    infer: ([x, sizes], { axis = 0, num_outputs: parts }, graph) => {
      const at = axisOf(axis, x.shape.length);
      const [first, ...others] = partsOf(x, at, sizes && constantInput(sizes, "sizes", graph), parts);
      const part = (length: number): TensorType => ({ type: x.type, shape: x.shape.with(at, length) });
      return [part(first), ...others.map(part)];
    },
  },
  Squeeze: {
    arity: [1, 2],
    attributes: {},
    infer: ([x, axes], _, graph) => {
      const dropped =
        axes === undefined
          ? x.shape.flatMap((size, axis) => (size === 1 ? [axis] : []))
          : axesOf(constantInput(axes, "axes", graph), x.shape.length);
      if (dropped.some((axis) => x.shape[axis] !== 1))
        throw mismatch(`axes ${dropped} are not all of size 1`, x);
      return { type: x.type, shape: x.shape.filter((_, axis) => !dropped.includes(axis)) };
    },
  },
  Transpose: {
    arity: [1, 1],
    attributes: { perm: "ints" },
    infer: ([x], { perm = [...x.shape.keys()].reverse() }) => {
      const axes = axesOf(perm, x.shape.length);
      if (axes.length !== x.shape.length) throw mismatch(`the permutation ${perm} does not fit`, x);
      return { type: x.type, shape: axes.map((axis) => x.shape[axis] ?? 1) };
    },
  },
  Unsqueeze: {
    arity: [2, 2],
    attributes: {},
    infer: ([x, axes], _, graph) => {
      const constant = constantInput(axes, "axes", graph);
      const added = axesOf(constant, x.shape.length + constant.length).toSorted((a, b) => a - b);
      return {
        type: x.type,
        shape: added.reduce<Shape>((shape, axis) => shape.toSpliced(axis, 0, 1), x.shape),
      };
    },
  },
};

/** The sizes of the parts of an axis: as given, or equal ones, of which the last takes what is left. */
function partsOf(
  x: Value,
  axis: number,
  sizes: readonly number[] | undefined,
  parts = 1,
): readonly [number, ...number[]] {
  const size = x.shape[axis];
  if (typeof size !== "number") throw mismatch(`axis ${axis} has no fixed size`, x);
  const count = sizes?.length ?? parts;
  if (count < 1 || count > partsMax) throw mismatch(`${count} parts`, x);
  const each = Math.ceil(size / count);
  const [first, ...others] =
    sizes ?? Array.from({ length: count }, (_, part) => Math.min(each, size - part * each));
  const all = [first ?? 0, ...others] as const;
  if (all.some((part) => part < 0) || all.reduce((sum, part) => sum + part, 0) !== size) {
    throw mismatch(`parts of ${all} do not make up axis ${axis}`, x);
  }
  return all;
}

/** @param graph where sizes along the axis may be unknown: of what no gradient goes through */
function concatenated(
  inputs: readonly [Value, ...Value[]],
  axis: number,
  graph: Inference | undefined,
): Shape {
  const [first] = inputs;
  const at = axisOf(axis, first.shape.length);
  const fits = inputs.every(({ shape }) =>
    sameShape(shape.toSpliced(at, 1, 0), first.shape.toSpliced(at, 1, 0)),
  );
  const sizes: Shape = inputs.map(({ shape }) => shape[at] ?? 0);
  if (fits && graph !== undefined && !isStatic(sizes)) return first.shape.with(at, graph.freshDimension());
  if (!fits || !isStatic(sizes)) throw mismatch(`cannot be joined along axis ${at}`, ...inputs);
  return first.shape.with(
    at,
    sizes.reduce((sum, size) => sum + size, 0),
  );
}

function padded(x: Value, pads: readonly number[]): Shape {
  const rank = x.shape.length;
  if (pads.length !== 2 * rank) throw mismatch(`${pads.length} pads do not fit`, x);
  return x.shape.map((size, axis) => {
    const added = (pads[axis] ?? 0) + (pads[axis + rank] ?? 0);
    if (added === 0) return size;
    if (typeof size === "string" || size + added < 0) throw mismatch(`axis ${axis} cannot be padded`, x);
    return size + added;
  });
}

/** ONNX Reshape: 0 copies the input's dimension (unless allowzero), one -1 takes what is left. */
function reshaped(x: Value, to: Value, allowzero: Flag, graph: Inference): Shape {
  const target = graph.contentsOf(to);
  if (target === undefined) return freshShape(to, graph);
  const shape: Shape = target.map((size, axis) => (size === 0 && !allowzero ? (x.shape[axis] ?? 0) : size));
  const free = shape.indexOf(-1);
  const fixed = free === -1 ? shape : shape.toSpliced(free, 1);
  if (fixed.some((size) => typeof size === "number" && size < 0)) throw reshapeMismatch(x, target);
  const rest = quotientOf(x.shape, fixed);
  if (free === -1 && rest === 1) return shape;
  if (free === -1 || (rest === undefined && isStatic(x.shape))) throw reshapeMismatch(x, target);
  return shape.with(free, rest ?? graph.freshDimension());
}

/** As many unknown sizes as a tensor that holds a shape says. */
function freshShape(to: Value, graph: Inference): Shape {
  const [rank] = to.shape;
  if (typeof rank !== "number") throw new TypeMismatch("the rank of the new shape is not known");
  return Array.from({ length: rank }, (): Dimension => graph.freshDimension());
}

function reshapeMismatch(x: Value, target: Shape): TypeMismatch {
  return new TypeMismatch(
    `${describeShape(x.shape)} cannot become ${describeShape(target)} for every batch size`,
  );
}

/** Parts of a split: each is an output. */
const partsMax = 1_024;
