import {
  axisOf,
  broadcastOf,
  type Flag,
  type None,
  type OperatorSpec,
  type OperatorTable,
  sameType,
  type Value,
} from "../operator.ts";
import { type Binary, binary, type Unary, unary } from "./elementwise.ts";
import { reduced } from "./reduction.ts";

/** Operators that no gradient goes through: their output moves in steps, or depends on shapes alone. */
export interface DiscreteSignatures {
  ArgMax: Unary<{ axis?: number; keepdims?: Flag; select_last_index?: Flag }>;
  BitShift: { inputs: readonly [a: Value, bits: Value]; attributes: { direction: string } };
  BitwiseXor: Binary;
  Equal: Binary;
  Greater: Binary;
  GreaterOrEqual: Binary;
  Less: Binary;
  LessOrEqual: Binary;
  Mod: { inputs: readonly [a: Value, b: Value]; attributes: { fmod?: Flag } };
  Not: Unary;
  Range: { inputs: readonly [start: Value, limit: Value, delta: Value]; attributes: None };
  Shape: Unary<{ start?: number; end?: number }>;
  Sign: Unary;
  Size: Unary;
}

export const discreteOperators: OperatorTable<DiscreteSignatures> = {
  ArgMax: {
    arity: [1, 1],
    attributes: { axis: "int", keepdims: "int", select_last_index: "int" },
    infer: ([x], { axis = 0, keepdims = 1 }) => ({
      type: "int64",
      shape: reduced(x.shape, [axisOf(axis, x.shape.length)], keepdims),
    }),
  },
  BitShift: { ...binary(), required: ["direction"], attributes: { direction: "string" } },
  BitwiseXor: binary(),
  Equal: comparison(),
  Greater: comparison(),
  GreaterOrEqual: comparison(),
  Less: comparison(),
  LessOrEqual: comparison(),
  Mod: { ...binary(), attributes: { fmod: "int" } },
  Not: { ...unary(), infer: ([x]) => ({ type: "bool", shape: x.shape }) },
  Range: {
    arity: [3, 3],
    attributes: {},
    infer: ([start, limit, delta], _, graph) => {
      const [from, to, by] = [start, limit, delta].map((value) => graph.constantOf(value)?.[0]);
      const known = from !== undefined && to !== undefined && by !== undefined;
      const length = known ? Math.max(0, Math.ceil((to - from) / by)) : graph.freshDimension();
      return { type: sameType(start, limit, delta), shape: [length] };
    },
  },
  Shape: {
    arity: [1, 1],
    attributes: { start: "int", end: "int" },
    infer: ([x], { start, end }) => ({ type: "int64", shape: [x.shape.slice(start, end).length] }),
  },
  Sign: unary(),
  Size: { ...unary(), infer: () => ({ type: "int64", shape: [] }) },
};

function comparison(): OperatorSpec<Binary> {
  return {
    ...binary(),
    infer: ([a, b]) => {
      sameType(a, b);
      return { type: "bool", shape: broadcastOf(a, b) };
    },
  };
}
