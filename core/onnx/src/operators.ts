import { type ElementType, elementTypes } from "./element-type.ts";
import {
  axisOf,
  broadcast,
  type Dimension,
  describeShape,
  isStatic,
  productOf,
  quotientOf,
  type Shape,
} from "./shape.ts";

/** A tensor in a graph under construction. */
export interface Value extends TensorType {
  readonly name: string;
}

export interface TensorType {
  readonly type: ElementType;
  readonly shape: Shape;
}

type Flag = 0 | 1;
type None = Readonly<Record<never, never>>;

/**
 * Inputs and attributes of every operator that we read or emit, by its name in
 * the standard (opset 18). To add an operator: a line here, its entry in
 * {@link operators}, and, to train through it, its rule in gradient-rules.ts.
 */
export interface Signatures {
  Add: { inputs: readonly [a: Value, b: Value]; attributes: None };
  ArgMax: { inputs: readonly [x: Value]; attributes: { axis?: number; keepdims?: Flag } };
  Cast: { inputs: readonly [x: Value]; attributes: { to: number } };
  Div: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Equal: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Exp: { inputs: readonly [x: Value]; attributes: None };
  Flatten: { inputs: readonly [x: Value]; attributes: { axis?: number } };
  Gather: { inputs: readonly [data: Value, indices: Value]; attributes: { axis?: number } };
  Gemm: {
    inputs: readonly [a: Value, b: Value, c?: Value];
    attributes: { alpha?: number; beta?: number; transA?: Flag; transB?: Flag };
  };
  Greater: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Identity: { inputs: readonly [x: Value]; attributes: None };
  LogSoftmax: { inputs: readonly [x: Value]; attributes: { axis?: number } };
  MatMul: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Min: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Mul: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Neg: { inputs: readonly [x: Value]; attributes: None };
  ReduceSum: { inputs: readonly [x: Value, axes: Value]; attributes: { keepdims?: Flag } };
  Relu: { inputs: readonly [x: Value]; attributes: None };
  Reshape: { inputs: readonly [x: Value, shape: Value]; attributes: { allowzero?: Flag } };
  Shape: { inputs: readonly [x: Value]; attributes: None };
  Slice: { inputs: readonly [x: Value, starts: Value, ends: Value]; attributes: None };
  Sub: { inputs: readonly [a: Value, b: Value]; attributes: None };
  Transpose: { inputs: readonly [x: Value]; attributes: { perm: readonly number[] } };
  Unsqueeze: { inputs: readonly [x: Value, axes: Value]; attributes: None };
}

export type Operator = keyof Signatures;
export type InputsOf<Op extends Operator> = Signatures[Op]["inputs"];
export type AttributesOf<Op extends Operator> = Readonly<Signatures[Op]["attributes"]>;
export type AttributeValue = number | readonly number[];
export type AttributeKind = "int" | "float" | "ints";

/** What inference may ask the graph: the values of constants, and a name for a size only the run knows. */
export interface Inference {
  constantOf(value: Value): readonly number[] | undefined;
  freshDimension(): string;
}

interface OperatorSpec<Op extends Operator> {
  /** Fewest and most inputs. */
  readonly arity: readonly [number, number];
  /** How each attribute is written in the file. */
  readonly attributes: { readonly [Name in keyof AttributesOf<Op>]-?: AttributeKind };
  /** Element type and shape of the output; throws a {@link TypeMismatch} when the inputs do not fit. */
  infer(inputs: InputsOf<Op>, attributes: AttributesOf<Op>, graph: Inference): TensorType;
}

/** Inputs that an operator does not accept; whoever knows the node turns it into an error with a place. */
export class TypeMismatch extends Error {}

export const operators: { readonly [Op in Operator]: OperatorSpec<Op> } = {
  Add: elementwise(),
  ArgMax: {
    arity: [1, 1],
    attributes: { axis: "int", keepdims: "int" },
    infer: ([x], { axis = 0, keepdims = 1 }) => ({
      type: "int64",
      shape: reduced(x.shape, [axisOf(axis, x.shape.length)], keepdims),
    }),
  },
  Cast: {
    arity: [1, 1],
    attributes: { to: "int" },
    infer: ([x], { to }) => {
      const type = (Object.keys(elementTypes) as ElementType[]).find(
        (name) => elementTypes[name].code === to,
      );
      if (type === undefined) throw new TypeMismatch(`element type ${to} is not known`);
      return { type, shape: x.shape };
    },
  },
  Div: elementwise(),
  Equal: comparison(),
  Exp: unary(),
  Flatten: {
    arity: [1, 1],
    attributes: { axis: "int" },
    infer: ([x], { axis = 1 }) => {
      const at = axisOf(axis, x.shape.length);
      return {
        type: x.type,
        shape: [productOf(x.shape.slice(0, at)), productOf(x.shape.slice(at))],
      };
    },
  },
  Gather: {
    arity: [2, 2],
    attributes: { axis: "int" },
    infer: ([data, indices], { axis = 0 }) => {
      const at = axisOf(axis, data.shape.length);
      return {
        type: data.type,
        shape: [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)],
      };
    },
  },
  Gemm: {
    arity: [2, 3],
    attributes: { alpha: "float", beta: "float", transA: "int", transB: "int" },
    infer: ([a, b, c], { transA = 0, transB = 0 }) => {
      const [m, k] = matrix(a, transA);
      const [inner, n] = matrix(b, transB);
      if (k !== inner) throw mismatch("the inner dimensions differ", a, b);
      if (c !== undefined && broadcast(c.shape, [m, n]) === undefined) {
        throw mismatch("the bias does not fit the product", a, b, c);
      }
      return { type: a.type, shape: [m, n] };
    },
  },
  Greater: comparison(),
  Identity: unary(),
  LogSoftmax: {
    arity: [1, 1],
    attributes: { axis: "int" },
    infer: ([x]) => ({ type: x.type, shape: x.shape }),
  },
  MatMul: { arity: [2, 2], attributes: {}, infer: ([a, b]) => ({ type: a.type, shape: matMulShape(a, b) }) },
  Min: elementwise(),
  Mul: elementwise(),
  Neg: unary(),
  ReduceSum: {
    arity: [2, 2],
    attributes: { keepdims: "int" },
    infer: ([x, axes], { keepdims = 1 }, graph) => {
      const constant = graph.constantOf(axes);
      if (constant === undefined) throw new TypeMismatch("the axes must be constant");
      const all = constant.map((axis) => axisOf(axis, x.shape.length));
      return { type: x.type, shape: reduced(x.shape, all, keepdims) };
    },
  },
  Relu: unary(),
  Reshape: {
    arity: [2, 2],
    attributes: { allowzero: "int" },
    infer: ([x, shape], { allowzero = 0 }, graph) => ({
      type: x.type,
      shape: reshaped(x, shape, allowzero, graph),
    }),
  },
  Shape: { arity: [1, 1], attributes: {}, infer: ([x]) => ({ type: "int64", shape: [x.shape.length] }) },
  Slice: {
    arity: [3, 3],
    attributes: {},
    infer: ([x], _, graph) => ({ type: x.type, shape: [graph.freshDimension(), ...x.shape.slice(1)] }),
  },
  Sub: elementwise(),
  Transpose: {
    arity: [1, 1],
    attributes: { perm: "ints" },
    infer: ([x], { perm }) => ({
      type: x.type,
      shape: perm.map((axis) => {
        const dimension = x.shape[axis];
        if (dimension === undefined) throw mismatch(`no axis ${axis}`, x);
        return dimension;
      }),
    }),
  },
  Unsqueeze: {
    arity: [2, 2],
    attributes: {},
    infer: ([x, axes], _, graph) => {
      const constant = graph.constantOf(axes);
      if (constant === undefined) throw new TypeMismatch("the axes must be constant");
      const rank = x.shape.length + constant.length;
      const added = constant.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b);
      return {
        type: x.type,
        shape: added.reduce<Shape>((shape, axis) => shape.toSpliced(axis, 0, 1), x.shape),
      };
    },
  },
};

type Unary = "Exp" | "Identity" | "Neg" | "Relu";
type Binary = "Add" | "Div" | "Equal" | "Greater" | "Min" | "Mul" | "Sub";

function unary(): OperatorSpec<Unary> {
  return { arity: [1, 1], attributes: {}, infer: ([x]) => ({ type: x.type, shape: x.shape }) };
}

function elementwise(): OperatorSpec<Binary> {
  return { arity: [2, 2], attributes: {}, infer: ([a, b]) => ({ type: a.type, shape: broadcastOf(a, b) }) };
}

function comparison(): OperatorSpec<Binary> {
  return { arity: [2, 2], attributes: {}, infer: ([a, b]) => ({ type: "bool", shape: broadcastOf(a, b) }) };
}

function broadcastOf(a: Value, b: Value): Shape {
  if (a.type !== b.type) throw new TypeMismatch(`the element types differ: ${a.type} and ${b.type}`);
  const shape = broadcast(a.shape, b.shape);
  if (shape === undefined) throw mismatch("the shapes do not broadcast", a, b);
  return shape;
}

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

function reduced(shape: Shape, axes: readonly number[], keepdims: Flag): Shape {
  return shape.flatMap((dimension, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [dimension]));
}

/** ONNX Reshape: 0 copies the input's dimension (unless allowzero), one -1 takes what is left. */
function reshaped(x: Value, to: Value, allowzero: Flag, graph: Inference): Shape {
  const target = graph.constantOf(to);
  if (target === undefined) {
    const [rank] = to.shape;
    if (typeof rank !== "number") throw new TypeMismatch("the rank of the new shape is not known");
    return Array.from({ length: rank }, () => graph.freshDimension());
  }
  const shape: Shape = target.map((size, axis) => (size === 0 && !allowzero ? (x.shape[axis] ?? 0) : size));
  const free = shape.indexOf(-1);
  const rest = quotientOf(x.shape, free === -1 ? shape : shape.toSpliced(free, 1));
  if (free === -1 && rest === 1) return shape;
  if (free === -1 || (rest === undefined && isStatic(x.shape))) throw reshapeMismatch(x, target);
  return shape.with(free, rest ?? graph.freshDimension());
}

function reshapeMismatch(x: Value, target: readonly number[]): TypeMismatch {
  return new TypeMismatch(
    `${describeShape(x.shape)} cannot become ${describeShape(target)} for every batch size`,
  );
}

function mismatch(why: string, ...values: readonly Value[]): TypeMismatch {
  return new TypeMismatch(`${why}: ${values.map((value) => describeShape(value.shape)).join(" and ")}`);
}
