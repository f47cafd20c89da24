import { TypeMismatch } from "./operator.ts";

/** How the elements of a resized axis are made of the old ones (ONNX "Resize"). */
export interface Interpolation {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  /** The parameter of the cubic kernel (Keys 1981). */
  readonly cubic: number;
  /** Whether what lies outside weighs nothing, instead of as much as the edge. */
  readonly excludeOutside: boolean;
  /** Whether the kernel widens where there are fewer new elements than old ones. */
  readonly antialias: boolean;
}

/** One axis before and after; `scale` is the ratio of the two as the file has it. */
export interface ResizedAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

/** Weights by position; positions that lie outside are those of the edge. */
type Weights = readonly (readonly [position: number, weight: number])[];

/**
 * The matrix [to, from] that a resize along one axis is, row-major.
 *
 * @throws TypeMismatch for a mode that is not known
 */
export function interpolationMatrix(axis: ResizedAxis, how: Interpolation): Float64Array {
  const { from, to } = axis;
  const matrix = new Float64Array(to * from);
  for (let row = 0; row < to; row += 1) {
    for (const [position, weight] of weightsAt(originOf(row, axis, how.coordinates), axis, how)) {
      const column = Math.max(0, Math.min(from - 1, position));
      matrix[row * from + column] = (matrix[row * from + column] ?? 0) + weight;
    }
  }
  return matrix;
}

/** Where a new element lies among the old ones. The runtime computes it in float32, which decides ties. */
function originOf(row: number, { from, to, scale }: ResizedAxis, coordinates: string): number {
  const half = Math.fround(Math.fround((row + 0.5) / scale) - 0.5);
  switch (coordinates) {
    case "half_pixel":
      return half;
    case "half_pixel_symmetric": {
      // The file's scale and the sizes need not fit: what is over is left out on both sides alike.
      const adjustment = to / (scale * from);
      return (from / 2) * (1 - adjustment) + half;
    }
    case "pytorch_half_pixel":
      return to > 1 ? half : 0;
    case "align_corners":
      return to === 1 ? 0 : Math.fround((row * (from - 1)) / (to - 1));
    case "asymmetric":
      return Math.fround(row / scale);
    default:
      throw new TypeMismatch(`the coordinates "${coordinates}" are not known`);
  }
}

function weightsAt(origin: number, axis: ResizedAxis, how: Interpolation): Weights {
  if (how.mode === "nearest") return [[nearestTo(origin, how.nearest), 1]];
  const kernel = kernelOf(how);
  const stretch = how.antialias ? Math.max(1, 1 / axis.scale) : 1;
  const { from } = axis;
  // A linear kernel sees nothing beyond the edge.
  const center = how.mode === "linear" && stretch === 1 ? Math.max(0, Math.min(from - 1, origin)) : origin;
  const first = Math.floor(center - kernel.radius * stretch) + 1;
  const length = Math.ceil(2 * kernel.radius * stretch);
  const all = Array.from({ length }, (_, index): [number, number] => {
    const position = first + index;
    return [position, kernel.weight(Math.abs(position - center) / stretch)];
  });
  const isInside = (position: number): boolean => position >= 0 && position < from;
  const kept = how.excludeOutside ? all.filter(([position]) => isInside(position)) : all;
  const sum = kept.reduce((total, [, weight]) => total + weight, 0);
  return kept.map(([position, weight]) => [position, weight / sum]);
}

function nearestTo(origin: number, nearest: string): number {
  switch (nearest) {
    case "round_prefer_floor":
      return Math.ceil(origin - 0.5);
    case "round_prefer_ceil":
      return Math.floor(origin + 0.5);
    case "floor":
      return Math.floor(origin);
    case "ceil":
      return Math.ceil(origin);
    default:
      throw new TypeMismatch(`the rounding "${nearest}" is not known`);
  }
}

interface Kernel {
  /** From where on it is zero. */
  readonly radius: number;
  /** @param distance not negative */
  weight(distance: number): number;
}

function kernelOf({ mode, cubic }: Interpolation): Kernel {
  if (mode === "linear") return { radius: 1, weight: (distance) => Math.max(0, 1 - distance) };
  if (mode === "cubic") return { radius: 2, weight: (distance) => cubicWeight(distance, cubic) };
  throw new TypeMismatch(`the mode "${mode}" is not known`);
}

/** Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing". */
function cubicWeight(distance: number, a: number): number {
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  return distance < 2 ? a * (((distance - 5) * distance + 8) * distance - 4) : 0;
}
