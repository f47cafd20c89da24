import { type ElementType, elementTypeOf } from "./element-type.ts";
import type { Value } from "./operator.ts";
import { reducedAxes } from "./operators/reduction.ts";
import type { AttributesOf, InputsOf, Operator } from "./operators.ts";
import { type Dimension, isStatic, productOf, quotientOf } from "./shape.ts";
import { slicedAxes } from "./slice-range.ts";

/** The elements of a small tensor, row-major; whole ones that only the run knows under their names. */
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
    ((Number.isInteger(element) || type.startsWith("float")) && Math.abs(element) <= most) ||
    (type === "int64" && movers.has(op) && isUnbounded(element));
  if (!contents.every(isExact)) return undefined;
  // As the runtime would round it.
  return type === "float32" ? eachOf(contents, Math.fround) : contents;
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
  "Transpose",
  "Unsqueeze",
  "Where",
]);

/** Up to where a number is followed: as far as each type holds it as a JavaScript number does; other types are not. */
const largest: { readonly [Type in ElementType]?: number } = {
  bool: 1,
  float32: 2 ** 127,
  float64: Number.MAX_VALUE,
  int32: 2 ** 31 - 1,
  int64: Number.MAX_SAFE_INTEGER,
};

const folds: { readonly [Op in Operator]?: Fold<Op> } = {
  Abs: ([x], _, of) => eachOf(of(x), Math.abs),
  Add: ([a, b], _, of) =>
    pairwise(of(a), of(b), (x, y) => {
      if (x === 0 || y === 0) return x === 0 ? y : x;
      return numeric(x, y, (p, q) => p + q);
    }),
  Cast: ([x], { to }, of) => {
    const type = elementTypeOf(to);
    if (type === "bool") return truthOf(of(x));
    return type?.startsWith("float") ? of(x) : eachOf(of(x), Math.trunc);
  },
  Concat: (inputs, _, of) => joined(inputs.map(of)),
  Div: ([a, b], _, of) =>
    pairwise(of(a), of(b), (x, y) => {
      const isFloat = a.type === "float32" || a.type === "float64";
      return numeric(x, y, (p, q) => (isFloat ? p / q : Math.trunc(p / q))) ?? quotientOf([x], [y]);
    }),
  Equal: ([a, b], _, of) => pairwise(of(a), of(b), equality),
  Expand: ([x, shape], _, of) => {
    const [element, ...more] = of(x) ?? [];
    const length = productOf(of(shape) ?? ["size"]);
    if (element === undefined || more.length > 0 || typeof length !== "number") return undefined;
    return length <= elementsMax ? Array<Dimension>(length).fill(element) : undefined;
  },
  Ceil: ([x], _, of) => eachOf(of(x), Math.ceil),
  Floor: ([x], _, of) => eachOf(of(x), Math.floor),
  Max: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => (x === y ? x : numeric(x, y, Math.max))),
  Min: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => (x === y ? x : numeric(x, y, Math.min))),
  Neg: ([x], _, of) => numbersOf(of(x))?.map((element) => -element),
  Sqrt: ([x], _, of) => numbersOf(of(x))?.map(Math.sqrt),
  Gather: ([data, indices], _, of) => {
    const [elements, places] = [of(data), of(indices)];
    if (data.shape.length !== 1 || elements === undefined || places === undefined) return undefined;
    return joined(places.map((place) => (typeof place === "number" ? one(elements.at(place)) : undefined)));
  },
  And: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => p && q)),
  Greater: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => Number(p > q))),
  GreaterOrEqual: ([a, b], _, of) =>
    pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => Number(p >= q))),
  Identity: ([x], _, of) => of(x),
  Less: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => Number(p < q))),
  LessOrEqual: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => Number(p <= q))),
  Not: ([x], _, of) => eachOf(of(x), (element) => 1 - element),
  Or: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => p || q)),
  // the sign is the divisor's
  Mod: ([a, b], { fmod = 0 }, of) =>
    pairwise(of(a), of(b), (x, y) => numeric(x, y, (p, q) => (fmod ? p % q : ((p % q) + q) % q))),
  Mul: ([a, b], _, of) =>
    pairwise(of(a), of(b), (x, y) => {
      const isFraction = [x, y].some((each) => typeof each === "number" && !Number.isInteger(each));
      return numeric(x, y, (p, q) => p * q) ?? (isFraction ? undefined : productOf([x, y]));
    }),
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
    if (!isStatic(x.shape) || of(x) === undefined) return undefined;
    const sliced = slicedAxes(x.shape, [starts, ends, axes, steps], { contentsOf: of });
    const ranges = x.shape.map((length, axis) =>
      sliced.has(axis) ? sliced.get(axis) : { start: 0, step: 1, length },
    );
    const shape = ranges.map((range) => range?.length);
    if (!shape.every((size) => typeof size === "number")) return undefined;
    return arranged(of(x), x.shape, shape, (place) =>
      place.map((index, axis) => (ranges[axis]?.start ?? 0) + index * (ranges[axis]?.step ?? 1)),
    );
  },
  Squeeze: ([x], _, of) => of(x),
  Sub: ([a, b], _, of) => pairwise(of(a), of(b), (x, y) => (y === 0 ? x : numeric(x, y, (p, q) => p - q))),
  Transpose: ([x], { perm = [...x.shape.keys()].reverse() }, of) => {
    if (!isStatic(x.shape)) return undefined;
    const shape = perm.map((axis) => Number(x.shape[axis]));
    return arranged(of(x), x.shape, shape, (place) =>
      x.shape.map((_, axis) => place[perm.indexOf(axis)] ?? 0),
    );
  },
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

/** A size is never negative, and equal to itself; of two sizes that only the run knows nothing is known. */
function equality(x: Dimension, y: Dimension): number | undefined {
  if (x === y) return 1;
  if ((typeof x === "number" && x < 0) || (typeof y === "number" && y < 0)) return 0;
  return numeric(x, y, () => 0);
}

/** Elements in another order: those of each place of a new shape from a place of the old one. */
function arranged(
  elements: Contents | undefined,
  from: readonly number[],
  to: readonly number[],
  origin: (place: readonly number[]) => readonly number[],
): Contents | undefined {
  if (elements === undefined) return undefined;
  const places = to.reduce<readonly (readonly number[])[]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, index) => [...place, index])),
    [[]],
  );
  return joined(
    places.map((place) => {
      const at = origin(place).reduce((flat, index, axis) => flat * (from[axis] ?? 1) + index, 0);
      return one(elements[at]);
    }),
  );
}

/** Sizes that only the run knows are whole already. */
function eachOf(contents: Contents, change: (element: number) => number): Contents;
function eachOf(contents: Contents | undefined, change: (element: number) => number): Contents | undefined;
function eachOf(contents: Contents | undefined, change: (element: number) => number): Contents | undefined {
  return contents?.map((element) => (typeof element === "number" ? change(element) : element));
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
