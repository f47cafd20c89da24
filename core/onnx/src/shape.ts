/**
 * One dimension: its size, or the name of a size that is known only when the
 * graph runs. Products of such sizes have names as well: "2*batch".
 */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

/** Product of a shape whose dimensions are all numbers. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dimension) => typeof dimension === "number");
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

export function describeShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * The shape of an element-wise result (ONNX, "Multidirectional Broadcasting"),
 * or undefined when the shapes do not fit or two different names meet.
 */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dimension[] = [];
  for (let axis = 0; axis < rank; axis += 1) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** The number of elements of a shape, as a dimension. */
export function productOf(shape: Shape): Dimension {
  return toDimension(factorsOf(shape));
}

/** How many elements a dimension stands for when every unknown size is `unknown`. */
export function countOf(dimension: Dimension, unknown: number): number {
  const { size, names } = factorsOf([dimension]);
  return size * unknown ** names.length;
}

/** What is left of one shape's elements when another's are divided out; undefined if it is no known whole number. */
export function quotientOf(shape: Shape, divisor: Shape): Dimension | undefined {
  const { size, names } = factorsOf(shape);
  const by = factorsOf(divisor);
  const rest = [...names];
  for (const name of by.names) {
    const index = rest.indexOf(name);
    if (index === -1) return undefined;
    rest.splice(index, 1);
  }
  const ratio = size / by.size;
  return Number.isInteger(ratio) ? toDimension({ size: ratio, names: rest }) : undefined;
}

interface Factors {
  readonly size: number;
  readonly names: readonly string[];
}

function factorsOf(shape: Shape): Factors {
  const factors = shape.flatMap((dimension) => String(dimension).split("*"));
  const names = factors.filter((factor) => Number.isNaN(Number(factor)));
  const sizes = factors.filter((factor) => !Number.isNaN(Number(factor)));
  return { size: sizeOf(sizes.map(Number)), names: names.sort() };
}

function toDimension({ size, names }: Factors): Dimension {
  if (names.length === 0 || size === 0) return size;
  return [...(size === 1 ? [] : [size]), ...names].join("*");
}
