import type { CompositionTable } from "../composition.ts";
import { checkConstantSize } from "../constant-size.ts";
import { transpose } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { type Interpolation, interpolationMatrix, type ResizedAxis } from "../interpolation.ts";
import { axesOf, type Flag, mismatch, TypeMismatch, type Value } from "../operator.ts";

interface ResizeAttributes {
  readonly antialias?: Flag;
  readonly axes?: readonly number[];
  readonly coordinate_transformation_mode?: string;
  readonly cubic_coeff_a?: number;
  readonly exclude_outside?: Flag;
  readonly extrapolation_value?: number;
  readonly keep_aspect_ratio_policy?: string;
  readonly mode?: string;
  readonly nearest_mode?: string;
}

export interface ResizeCompositions {
  Resize: {
    inputs: readonly [x: Value, roi?: Value, scales?: Value, sizes?: Value];
    attributes: ResizeAttributes;
  };
}

export const resizeCompositions: CompositionTable<ResizeCompositions> = {
  // linear along each axis: y = x Mᵀ, with a matrix that the sizes alone decide
  Resize: {
    arity: [1, 4],
    attributes: {
      antialias: "int",
      axes: "ints",
      coordinate_transformation_mode: "string",
      cubic_coeff_a: "float",
      exclude_outside: "int",
      extrapolation_value: "float",
      keep_aspect_ratio_policy: "string",
      mode: "string",
      nearest_mode: "string",
    },
    compose: (g, [x, , scales, sizes], attributes) => {
      const how = interpolationOf(attributes);
      const resized = resizedAxes(g, x, [scales, sizes], attributes);
      const matrices = new Map([...resized].map(([axis, each]) => [axis, interpolationMatrix(each, how)]));
      const factors = x.shape.map((_, axis) => {
        const [each, matrix] = [resized.get(axis), matrices.get(axis)];
        return each === undefined || matrix === undefined ? 1 : repeatsOf(each, matrix);
      });
      // Whole blocks are what the runtime's own operator is best at; it has no float64.
      const isBlocks = factors.every((factor, axis) => factor !== undefined && (axis > 1 || factor === 1));
      if (isBlocks && x.type === "float32") {
        return factors.some((factor) => factor !== 1) ? repeated(g, x, factors) : x;
      }
      return [...resized].reduce((result, [axis, each]) => {
        const matrix = matrices.get(axis);
        return matrix === undefined ? result : along(g, result, axis, each, matrix);
      }, x);
    },
  },
};

function interpolationOf(attributes: ResizeAttributes): Interpolation {
  const {
    mode = "nearest",
    coordinate_transformation_mode: coordinates = "half_pixel",
    nearest_mode: nearest = "round_prefer_floor",
    cubic_coeff_a: cubic = -0.75,
    exclude_outside: exclude = 0,
    antialias = 0,
  } = attributes;
  return { mode, coordinates, nearest, cubic, excludeOutside: exclude === 1, antialias: antialias === 1 };
}

/** The axes whose size changes. Scales or sizes are given; those that are not there may be there empty. */
function resizedAxes(
  g: GraphBuilder,
  x: Value,
  [scales, sizes]: readonly [Value | undefined, Value | undefined],
  { axes = [...x.shape.keys()], keep_aspect_ratio_policy: policy = "stretch" }: ResizeAttributes,
): ReadonlyMap<number, ResizedAxis> {
  const indices = axesOf(axes, x.shape.length);
  const isGiven = (value: Value | undefined): value is Value => value !== undefined && value.shape[0] !== 0;
  const factors = isGiven(scales) ? g.contentsOf(scales) : undefined;
  const targets = isGiven(sizes) ? g.contentsOf(sizes) : undefined;
  if ((factors ?? targets)?.length !== indices.length) {
    throw mismatch("scales or sizes must be constant, one for each axis", x);
  }
  if (policy !== "stretch") throw new TypeMismatch(`the policy "${policy}" is not known`);
  const changed = indices.flatMap((axis, index): [number, ResizedAxis][] => {
    const [from, scale, target] = [x.shape[axis], factors?.[index], targets?.[index]];
    if (scale === 1 || target === from) return [];
    // The runtime keeps scales as float32, and multiplies so.
    const to =
      typeof scale === "number" ? Math.floor(Math.fround(Number(from) * Math.fround(scale))) : target;
    if (typeof from !== "number" || typeof to !== "number" || typeof scale === "string") {
      throw mismatch(`axis ${axis} has no fixed size`, x);
    }
    if (from < 1 || to < 1) throw mismatch(`axis ${axis} cannot be resized to ${to}`, x);
    checkConstantSize(from * to);
    return [[axis, { from, to, scale: Math.fround(scale ?? to / from) }]];
  });
  return new Map(changed);
}

/** How often each element comes where the matrix only repeats them, all alike. */
function repeatsOf({ from, to }: ResizedAxis, matrix: Float64Array): number | undefined {
  const factor = to / from;
  const repeats = Array.from({ length: to }, (_, row) => matrix[row * from + Math.floor(row / factor)] === 1);
  return Number.isInteger(factor) && repeats.every(Boolean) ? factor : undefined;
}

function repeated(g: GraphBuilder, x: Value, factors: readonly (number | undefined)[]): Value {
  const scales = g.constant(Float32Array.from(factors, (factor) => factor ?? 1));
  return g.node("Resize", [x, undefined, scales], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
}

/** The product with a constant matrix [to, from] along one axis. */
function along(
  g: GraphBuilder,
  x: Value,
  axis: number,
  { from, to }: ResizedAxis,
  matrix: Float64Array,
): Value {
  const last = x.shape.length - 1;
  if (axis === last) {
    const transposed = matrix.map((_, index) => matrix[(index % to) * from + Math.floor(index / to)] ?? 0);
    return g.node("MatMul", [x, floating(g, x, transposed, [from, to])], {});
  }
  const swapped = [...x.shape.keys()].with(axis, last - 1).with(last - 1, axis);
  const weights = floating(g, x, matrix, [to, from]);
  return transpose(g, g.node("MatMul", [weights, transpose(g, x, swapped)], {}), swapped);
}

function floating(g: GraphBuilder, like: Value, data: Float64Array, shape: readonly number[]): Value {
  return g.constant(like.type === "float64" ? data : Float32Array.from(data), shape);
}
