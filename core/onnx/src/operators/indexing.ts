import {
  axisOf,
  type Flag,
  mismatch,
  type OperatorTable,
  sameType,
  type TensorType,
  TypeMismatch,
  type Value,
} from "../operator.ts";
import { type Shape, sameShape } from "../shape.ts";

interface Scatter<Attributes extends object> {
  readonly inputs: readonly [data: Value, indices: Value, updates: Value];
  readonly attributes: { readonly reduction?: string } & Attributes;
}

/** Operators that take or put values at positions that other values name, or that they find. */
export interface IndexingSignatures {
  Gather: { inputs: readonly [data: Value, indices: Value]; attributes: { axis?: number } };
  GatherElements: { inputs: readonly [data: Value, indices: Value]; attributes: { axis?: number } };
  GatherND: { inputs: readonly [data: Value, indices: Value]; attributes: { batch_dims?: number } };
  ReverseSequence: {
    inputs: readonly [x: Value, lengths: Value];
    attributes: { batch_axis?: number; time_axis?: number };
  };
  ScatterElements: Scatter<{ readonly axis?: number }>;
  ScatterND: Scatter<object>;
  /** Values, and where they were. */
  TopK: {
    inputs: readonly [x: Value, count: Value];
    attributes: { axis?: number; largest?: Flag; sorted?: Flag };
  };
}

export const indexingOperators: OperatorTable<IndexingSignatures> = {
  Gather: {
    arity: [2, 2],
    attributes: { axis: "int" },
    infer: ([data, indices], { axis = 0 }) => ({
      type: data.type,
      shape: data.shape.toSpliced(axisOf(axis, data.shape.length), 1, ...indices.shape),
    }),
  },
  GatherElements: {
    arity: [2, 2],
    attributes: { axis: "int" },
    infer: ([data, indices], { axis = 0 }) => {
      axisOf(axis, data.shape.length);
      if (indices.shape.length !== data.shape.length) throw mismatch("the ranks differ", data, indices);
      return { type: data.type, shape: indices.shape };
    },
  },
  GatherND: {
    arity: [2, 2],
    attributes: { batch_dims: "int" },
    infer: ([data, indices], { batch_dims: batch = 0 }) => {
      const fits = batch >= 0 && batch < Math.min(data.shape.length, indices.shape.length);
      if (!fits || !sameShape(data.shape.slice(0, batch), indices.shape.slice(0, batch))) {
        throw mismatch(`they do not have ${batch} axes in common`, data, indices);
      }
      return { type: data.type, shape: [...indices.shape.slice(0, -1), ...restOf(data, indices, batch)] };
    },
  },
  ReverseSequence: {
    arity: [2, 2],
    attributes: { batch_axis: "int", time_axis: "int" },
    infer: ([x, lengths], { batch_axis: batch = 1, time_axis: time = 0 }) => {
      const isPair = (batch === 0 && time === 1) || (batch === 1 && time === 0);
      if (!isPair || x.shape.length < 2) throw mismatch(`batch axis ${batch} and time axis ${time}`, x);
      if (lengths.shape.length !== 1) throw mismatch("the lengths are not one for each example", lengths);
      return { type: x.type, shape: x.shape };
    },
  },
  ScatterElements: {
    arity: [3, 3],
    attributes: { axis: "int", reduction: "string" },
    infer: ([data, indices, updates], { axis = 0, reduction }) => {
      axisOf(axis, data.shape.length);
      const fits = indices.shape.length === data.shape.length && sameShape(indices.shape, updates.shape);
      if (!fits) throw mismatch("data, indices and updates do not fit", data, indices, updates);
      return scattered(data, updates, reduction);
    },
  },
  ScatterND: {
    arity: [3, 3],
    attributes: { reduction: "string" },
    infer: ([data, indices, updates], { reduction }) => {
      const fits = sameShape(updates.shape, [...indices.shape.slice(0, -1), ...restOf(data, indices)]);
      if (!fits) throw mismatch("data, indices and updates do not fit", data, indices, updates);
      return scattered(data, updates, reduction);
    },
  },
  TopK: {
    arity: [2, 2],
    attributes: { axis: "int", largest: "int", sorted: "int" },
    infer: ([x, count], { axis = -1 }, graph) => {
      const at = axisOf(axis, x.shape.length);
      const [size, [taken] = []] = [x.shape[at], graph.contentsOf(count)];
      const isKnown = typeof taken === "number" && typeof size === "number";
      if (!isKnown || !Number.isInteger(taken) || taken < 0 || taken > size) {
        throw mismatch(`how many of axis ${at} are taken must be known, and at most all`, x);
      }
      const shape = x.shape.with(at, taken);
      return [
        { type: x.type, shape },
        { type: "int64", shape },
      ];
    },
  },
};

function scattered(data: Value, updates: Value, reduction = "none"): TensorType {
  if (!scatterReductions.includes(reduction)) {
    throw new TypeMismatch(`the reduction "${reduction}" is not known`);
  }
  return { type: sameType(data, updates), shape: data.shape };
}

/** The axes of the data that each index leaves whole: its last axis names the others, after those in common. */
function restOf(data: Value, indices: Value, batch = 0): Shape {
  const named = indices.shape.at(-1);
  if (typeof named === "number" && batch + named <= data.shape.length) return data.shape.slice(batch + named);
  throw mismatch("the indices do not fit", data, indices);
}

const scatterReductions: readonly string[] = ["none", "add", "mul", "min", "max"];
