import type { ElementType } from "./element-type.ts";
import { broadcast, type Dimension, describeShape, type Shape } from "./shape.ts";

/** A tensor in a graph under construction. */
export interface Value extends TensorType {
  readonly name: string;
}

export interface TensorType {
  readonly type: ElementType;
  readonly shape: Shape;
}

export type Flag = 0 | 1;
export type None = Readonly<Record<never, never>>;

/** Inputs and attributes of one operator, as the standard names and orders them; an input left out is undefined. */
export interface Signature {
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: object;
}

export type AttributeValue = number | readonly number[] | string | readonly string[];
export type AttributeKind = "int" | "float" | "ints" | "string" | "strings";

/** What inference may ask the graph: the values of constants, and a name for a size only the run knows. */
export interface Inference {
  constantOf(value: Value): readonly number[] | undefined;
  /** The elements of a small tensor, with names for whole ones that only the run knows. */
  contentsOf(value: Value): readonly Dimension[] | undefined;
  freshDimension(): string;
}

export interface OperatorSpec<S extends Signature> {
  /** Fewest and most inputs. */
  readonly arity: readonly [number, number];
  /** Positions among the fewest where there is no input all the same. */
  readonly unused?: readonly number[];
  /** How each attribute is written in the file. */
  readonly attributes: { readonly [Name in keyof S["attributes"]]-?: AttributeKind };
  /** Attributes that every use has. */
  readonly required?: readonly (keyof S["attributes"] & string)[];
  /** Element type and shape of the output, or of each; throws a {@link TypeMismatch} when the inputs do not fit. */
  infer(
    inputs: S["inputs"],
    attributes: Readonly<S["attributes"]>,
    graph: Inference,
  ): TensorType | readonly [TensorType, ...TensorType[]];
  /** Multiplications that are added up for each element of the output; none when absent. */
  readonly multiplyAdds?: (inputs: S["inputs"], attributes: Readonly<S["attributes"]>) => Dimension;
}

/** The operators of one family: a line in the signatures without its entry here does not compile. */
export type OperatorTable<Signatures extends { readonly [Op in keyof Signatures]: Signature }> = {
  readonly [Op in keyof Signatures]: OperatorSpec<Signatures[Op]>;
};

/** Inputs that an operator does not accept; whoever knows the node turns it into an error with a place. */
export class TypeMismatch extends Error {}

/** -1 counts from the end, as everywhere in ONNX. @throws TypeMismatch for an axis that is not there */
export function axisOf(axis: number, rank: number): number {
  const index = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && index >= 0 && index < rank) return index;
  throw new TypeMismatch(`there is no axis ${axis} among ${rank}`);
}

/** @throws TypeMismatch for axes that are not there or named twice */
export function axesOf(axes: readonly number[], rank: number): readonly number[] {
  const indices = axes.map((axis) => axisOf(axis, rank));
  if (new Set(indices).size === indices.length) return indices;
  throw new TypeMismatch(`an axis is named twice among ${axes}`);
}

/** The values of an input that decides the shape. @throws TypeMismatch when it is not constant */
export function constantInput(value: Value, what: string, graph: Inference): readonly number[] {
  const constant = graph.constantOf(value);
  if (constant === undefined) throw new TypeMismatch(`the ${what} must be constant`);
  return constant;
}

export function broadcastOf(...values: readonly [Value, ...Value[]]): Shape {
  const shape = values
    .map((value) => value.shape)
    .reduce<Shape | undefined>((all, next) => (all === undefined ? undefined : broadcast(all, next)), []);
  if (shape === undefined) throw mismatch("the shapes do not broadcast", ...values);
  return shape;
}

export function sameType(...[first, ...others]: readonly [Value, ...Value[]]): ElementType {
  const other = others.find(({ type }) => type !== first.type);
  if (other === undefined) return first.type;
  throw new TypeMismatch(`the element types differ: ${first.type} and ${other.type}`);
}

export function mismatch(why: string, ...values: readonly Value[]): TypeMismatch {
  return new TypeMismatch(`${why}: ${values.map((value) => describeShape(value.shape)).join(" and ")}`);
}
