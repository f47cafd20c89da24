import { type ElementType, elementTypeOf } from "./element-type.ts";
import type { Value } from "./operator.ts";
import { reducedAxes } from "./operators/reduction.ts";
import type { AttributesOf, InputsOf, Operator } from "./operators.ts";
import { type Dimension, isStatic, productOf, quotientOf } from "./shape.ts";

/** The elements of a small tensor of integers, row-major; those that only the run knows under their names. */
export type Contents = readonly Dimension[];

type Fold<Op extends Operator> = (
  inputs: InputsOf<Op>,
  attributes: AttributesOf<Op>,
  contentsOf: (value: Value) => Contents | undefined,
) => Contents | undefined;

/**
 * What exporters compute from shapes, followed while the graph is built: so that
 * `Reshape(x, Concat(Gather(Shape(x), 0), -1))` is as good as a constant shape.
 *
 * @param type of the output
 * @returns undefined for what cannot be known, or that the type might not hold exactly
 */
export function integerContents<Op extends Operator>(
  op: Op,
  inputs: InputsOf<Op>,
  attributes: AttributesOf<Op>,
  type: ElementType,
  contentsOf: (value: Value) => Contents | undefined,
): Contents | undefined {
  const fold: Fold<Op> | undefined = folds[op];
  const contents = fold?.(inputs, attributes, contentsOf);
  const most = largest[type];
  if (contents === undefined || most === undefined) return undefined;
  const isExact = (element: Dimension): boolean =>
    typeof element === "string" ||
    (Number.isInteger(element) && Math.abs(element) <= most) ||
    (type === "int64" && movers.has(op) && isUnbounded(element));
  return contents.every(isExact) ? contents : undefined;
}

/** An element of an int64 tensor whose contents are known. */
export function int64Of(element: number): bigint {
  return element === 2 ** 63 ? 2n ** 63n - 1n : BigInt(element);
}

/** The largest and the smallest int64, which stand for an end that is not given, as JavaScript rounds them. */
function isUnbounded(element: number): boolean {
  return Math.abs(element) === 2 ** 63;
}

/** Operators that calculate nothing. */
const movers: ReadonlySet<Operator> = new Set([
  "Cast",
  "Concat",
  "Gather",
  "Identity",
  "Reshape",
  "Slice",
  "Squeeze",
  "Unsqueeze",
  "Where",
]);

/** Up to where each type holds every whole number, and a JavaScript number does; other types are not followed. */
const largest: { readonly [Type in ElementType]?: number } = {
  bool: 1,
  float32: 2 ** 24,
  float64: Number.MAX_SAFE_INTEGER,
  int32: 2 ** 31 - 1,
  int64: Number.MAX_SAFE_INTEGER,
};

const folds: { readonly [Op in Operator]?: Fold<Op> } = {
  Add: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => p + q)),
  Cast: ([x], { to }, of) => (elementTypeOf(to) === "bool" ? truthOf(of(x)) : of(x)),
  Concat: (inputs, _, of) => joined(inputs.map(of)),
  Div: ([a, b], _, of) =>
    pairwise(of(a), of(b), (x, y) => {
      const isFloat = a.type === "float32" || a.type === "float64";
      return numeric(x, y, (p, q) => (isFloat ? p / q : Math.trunc(p / q))) ?? quotientOf([x], [y]);
    }),
  Equal: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => Number(p === q))),
  Expand: ([x, shape], _, of) => {
    const [element, ...more] = of(x) ?? [];
    const length = productOf(of(shape) ?? ["size"]);
    if (element === undefined || more.length > 0 || typeof length !== "number") return undefined;
    return length <= elementsMax ? Array<Dimension>(length).fill(element) : undefined;
  },
  Gather: ([data, indices], _, of) => {
    const [elements, places] = [of(data), of(indices)];
    if (data.shape.length !== 1 || elements === undefined || places === undefined) return undefined;
    return joined(places.map((place) => (typeof place === "number" ? one(elements.at(place)) : undefined)));
  },
  Identity: ([x], _, of) => of(x),
  // the sign is the divisor's
  Mod: ([a, b], { fmod = 0 }, of) =>
    pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => (fmod ? p % q : ((p % q) + q) % q))),
  Mul: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => productOf([x, y])),
  Range: ([start, limit, delta], _, of) => {
    const [from, to, by] = [start, limit, delta].map((value) => of(value)?.[0]);
    if (typeof from !== "number" || typeof to !== "number" || typeof by !== "number") return undefined;
    const length = Math.max(0, Math.ceil((to - from) / by));
    return length <= elementsMax ? Array.from({ length }, (__, index) => from + index * by) : undefined;
  },
  ReduceProd: ([x, axes], attributes, of) => {
    const elements = of(x);
    if (elements === undefined || reducedAxes(x, axes && numbersOf(of(axes)), attributes).length === 0)
      return undefined;
    return x.shape.length === 1 ? [productOf(elements)] : undefined;
  },
  Reshape: ([x], _, of) => of(x),
  Shape: ([x], { start, end }) => x.shape.slice(start, end),
  Size: ([x]) => [productOf(x.shape)],
  Slice: ([x, starts, ends, axes, steps], _, of) => {
    const elements = of(x);
    const [from, to] = [starts, ends].map((value) => of(value)?.[0]);
    const isAbsentOr = (value: Value | undefined, number: number): boolean =>
      value === undefined || of(value)?.[0] === number;
    const plain = x.shape.length === 1 && isAbsentOr(axes, 0) && isAbsentOr(steps, 1);
    return plain && typeof from === "number" && typeof to === "number"
      ? elements?.slice(from, to)
      : undefined;
  },
  Squeeze: ([x], _, of) => of(x),
  Sub: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => p - q)),
  Unsqueeze: ([x], _, of) => of(x),
  Where: ([condition, a, b], _, of) => {
    const [chosen, yes, no] = [of(condition), of(a), of(b)];
    if (chosen === undefined || yes === undefined || no === undefined || !isStatic(chosen)) return undefined;
    const length = Math.max(chosen.length, yes.length, no.length);
    const at = (list: Contents, index: number): Dimension | undefined => list[list.length === 1 ? 0 : index];
    return joined(Array.from({ length }, (__, index) => one(at(at(chosen, index) ? yes : no, index))));
  },
};

function pairwise(
  a: Contents | undefined,
  b: Contents | undefined,
  combine: (x: Dimension, y: Dimension) => Dimension | undefined,
): Contents | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a.length !== b.length && a.length !== 1 && b.length !== 1) return undefined;
  const length = Math.max(a.length, b.length);
  return joined(
    Array.from({ length }, (_, index) => {
      const [x, y] = [a[a.length === 1 ? 0 : index], b[b.length === 1 ? 0 : index]];
      return x === undefined || y === undefined ? undefined : one(combine(x, y));
    }),
  );
}

function numeric(x: Dimension, y: Dimension, combine: (x: number, y: number) => number): number | undefined {
  if (typeof x !== "number" || typeof y !== "number" || isUnbounded(x) || isUnbounded(y)) return undefined;
  return combine(x, y);
}

function numbersOf(contents: Contents | undefined): readonly number[] | undefined {
  return contents !== undefined && isStatic(contents) ? contents : undefined;
}

/** 1 for what is not 0; of a size that only the run knows, nothing. */
function truthOf(contents: Contents | undefined): Contents | undefined {
  return numbersOf(contents)?.map((element) => Number(element !== 0));
}

function one(element: Dimension | undefined): Contents | undefined {
  return element === undefined ? undefined : [element];
}

/** All of them, or nothing if one is not known or there are too many to follow. */
function joined(parts: readonly (Contents | undefined)[]): Contents | undefined {
  const all: Dimension[] = [];
  for (const part of parts) {
    if (part === undefined || all.length + part.length > elementsMax) return undefined;
    all.push(...part);
  }
  return all;
}

/** Shapes are short; what is longer is data. */
export const elementsMax = 1_024;
