import { elementTypeOf } from "../element-type.ts";
import {
  axisOf,
  broadcastOf,
  type Flag,
  type None,
  type OperatorSpec,
  type OperatorTable,
  sameType,
  TypeMismatch,
  type Value,
} from "../operator.ts";
import { type Binary, binary, type Unary, unary } from "./elementwise.ts";
import { reduced } from "./reduction.ts";

/** Operators that no gradient goes through: their output moves in steps, or depends on shapes alone. */
export interface DiscreteSignatures {
  And: Binary;
  ArgMax: Place;
  ArgMin: Place;
  BitShift: { inputs: readonly [a: Value, bits: Value]; attributes: { direction: string } };
  BitwiseXor: Binary;
  Ceil: Unary;
  Equal: Binary;
  EyeLike: Unary<{ dtype?: number; k?: number }>;
  Floor: Unary;
  Greater: Binary;
  GreaterOrEqual: Binary;
  IsInf: Unary<{ detect_negative?: Flag; detect_positive?: Flag }>;
  IsNaN: Unary;
  Less: Binary;
  LessOrEqual: Binary;
  Not: Unary;
  OneHot: { inputs: readonly [indices: Value, depth: Value, values: Value]; attributes: { axis?: number } };
  Or: Binary;
  Range: { inputs: readonly [start: Value, limit: Value, delta: Value]; attributes: None };
  Round: Unary;
  Shape: Unary<{ start?: number; end?: number }>;
  Sign: Unary;
  Size: Unary;
  Xor: Binary;
}

type Place = Unary<{ axis?: number; keepdims?: Flag; select_last_index?: Flag }>;

export const discreteOperators: OperatorTable<DiscreteSignatures> = {
  And: comparison(),
  ArgMax: place(),
  ArgMin: place(),
  BitShift: { ...binary(), required: ["direction"], attributes: { direction: "string" } },
  BitwiseXor: binary(),
  Ceil: unary(),
  Equal: comparison(),
  EyeLike: {
    arity: [1, 1],
    attributes: { dtype: "int", k: "int" },
    infer: ([x], { dtype }) => {
      const type = dtype === undefined ? x.type : elementTypeOf(dtype);
      if (type === undefined) throw new TypeMismatch(`element type ${dtype} is not known`);
      return { type, shape: x.shape };
    },
  },
  Floor: unary(),
  Greater: comparison(),
  GreaterOrEqual: comparison(),
  IsInf: { ...test(), attributes: { detect_negative: "int", detect_positive: "int" } },
  IsNaN: test(),
  Less: comparison(),
  LessOrEqual: comparison(),
  Not: test(),
  OneHot: {
    arity: [3, 3],
    attributes: { axis: "int" },
    infer: ([indices, depth, values], { axis = -1 }, graph) => {
      const [size = graph.freshDimension()] = graph.contentsOf(depth) ?? [];
      const at = axisOf(axis, indices.shape.length + 1);
      return { type: values.type, shape: indices.shape.toSpliced(at, 0, size) };
    },
  },
  Or: comparison(),
  Range: {
    arity: [3, 3],
    attributes: {},
    infer: ([start, limit, delta], _, graph) => {
      const type = sameType(start, limit, delta);
      const [from, to, by] = [start, limit, delta].map(
        (value) => (graph.contentsOf(value) ?? graph.constantOf(value))?.[0],
      );
      if (from === 0 && by === 1 && typeof to === "string") return { type, shape: [to] };
      const known = typeof from === "number" && typeof to === "number" && typeof by === "number";
      if (by === 0) throw new TypeMismatch("a range in steps of 0");
      const length = known ? Math.max(0, Math.ceil((to - from) / by)) : graph.freshDimension();
      return { type, shape: [length] };
    },
  },
  Round: unary(),
  Shape: {
    arity: [1, 1],
    attributes: { start: "int", end: "int" },
    infer: ([x], { start, end }) => ({ type: "int64", shape: [x.shape.slice(start, end).length] }),
  },
  Sign: unary(),
  Size: { ...unary(), infer: () => ({ type: "int64", shape: [] }) },
  Xor: comparison(),
};

function place(): OperatorSpec<Place> {
  return {
    arity: [1, 1],
    attributes: { axis: "int", keepdims: "int", select_last_index: "int" },
    infer: ([x], { axis = 0, keepdims = 1 }) => ({
      type: "int64",
      shape: reduced(x.shape, [axisOf(axis, x.shape.length)], keepdims),
    }),
  };
}

/** Whether something holds, element by element. */
function test(): OperatorSpec<Unary> {
  return { ...unary(), infer: ([x]) => ({ type: "bool", shape: x.shape }) };
}

function comparison(): OperatorSpec<Binary> {
  return {
    ...binary(),
    infer: ([a, b]) => {
      sameType(a, b);
      return { type: "bool", shape: broadcastOf(a, b) };
    },
  };
}
