import { elementTypeOf } from "../element-type.ts";
import {
  broadcastOf,
  type Flag,
  type None,
  type OperatorSpec,
  type OperatorTable,
  sameType,
  TypeMismatch,
  type Value,
} from "../operator.ts";

export interface Unary<Attributes extends object = None> {
  readonly inputs: readonly [x: Value];
  readonly attributes: Attributes;
}

export interface Binary {
  readonly inputs: readonly [a: Value, b: Value];
  readonly attributes: None;
}

export interface ElementwiseSignatures {
  Abs: Unary;
  Acos: Unary;
  Acosh: Unary;
  Add: Binary;
  Asin: Unary;
  Asinh: Unary;
  Atan: Unary;
  Atanh: Unary;
  Cast: Unary<{ to: number }>;
  Clip: { inputs: readonly [x: Value, low?: Value, high?: Value]; attributes: None };
  Cos: Unary;
  Cosh: Unary;
  Div: Binary;
  Elu: Unary<{ alpha?: number }>;
  Erf: Unary;
  Exp: Unary;
  HardSigmoid: Unary<{ alpha?: number; beta?: number }>;
  Identity: Unary;
  LeakyRelu: Unary<{ alpha?: number }>;
  Log: Unary;
  Max: Binary;
  Min: Binary;
  Mod: { inputs: readonly [a: Value, b: Value]; attributes: { fmod?: Flag } };
  Mul: Binary;
  Neg: Unary;
  Pow: Binary;
  PRelu: { inputs: readonly [x: Value, slope: Value]; attributes: None };
  Reciprocal: Unary;
  Relu: Unary;
  Selu: Unary<{ alpha?: number; gamma?: number }>;
  Sigmoid: Unary;
  Sin: Unary;
  Sinh: Unary;
  Softplus: Unary;
  Sqrt: Unary;
  Sub: Binary;
  Tan: Unary;
  Tanh: Unary;
  Where: { inputs: readonly [condition: Value, a: Value, b: Value]; attributes: None };
}

export const elementwiseOperators: OperatorTable<ElementwiseSignatures> = {
  Abs: unary(),
  Acos: unary(),
  Acosh: unary(),
  Add: binary(),
  Asin: unary(),
  Asinh: unary(),
  Atan: unary(),
  Atanh: unary(),
  Cast: {
    arity: [1, 1],
    attributes: { to: "int" },
    required: ["to"],
    infer: ([x], { to }) => {
      const type = elementTypeOf(to);
      if (type === undefined) throw new TypeMismatch(`element type ${to} is not known`);
      return { type, shape: x.shape };
    },
  },
  Clip: { arity: [1, 3], attributes: {}, infer: ([x]) => ({ type: x.type, shape: x.shape }) },
  Cos: unary(),
  Cosh: unary(),
  Div: binary(),
  Elu: { ...unary(), attributes: { alpha: "float" } },
  Erf: unary(),
  Exp: unary(),
  HardSigmoid: { ...unary(), attributes: { alpha: "float", beta: "float" } },
  Identity: unary(),
  LeakyRelu: { ...unary(), attributes: { alpha: "float" } },
  Log: unary(),
  Max: binary(),
  Min: binary(),
  Mod: { ...binary(), attributes: { fmod: "int" } },
  Mul: binary(),
  Neg: unary(),
  Pow: {
    ...binary(),
    infer: ([base, exponent]) => ({ type: base.type, shape: broadcastOf(base, exponent) }),
  },
  PRelu: binary(),
  Reciprocal: unary(),
  Relu: unary(),
  Selu: { ...unary(), attributes: { alpha: "float", gamma: "float" } },
  Sigmoid: unary(),
  Sin: unary(),
  Sinh: unary(),
  Softplus: unary(),
  Sqrt: unary(),
  Sub: binary(),
  Tan: unary(),
  Tanh: unary(),
  Where: {
    arity: [3, 3],
    attributes: {},
    infer: ([condition, a, b]) => ({ type: sameType(a, b), shape: broadcastOf(condition, a, b) }),
  },
};

/** An operator that gives what it takes: type and shape. */
export function unary(): OperatorSpec<Unary> {
  return { arity: [1, 1], attributes: {}, infer: ([x]) => ({ type: x.type, shape: x.shape }) };
}

/** An operator of two values that broadcast. */
export function binary(): OperatorSpec<Binary> {
  return {
    arity: [2, 2],
    attributes: {},
    infer: ([a, b]) => ({ type: sameType(a, b), shape: broadcastOf(a, b) }),
  };
}
