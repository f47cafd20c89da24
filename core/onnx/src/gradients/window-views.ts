import { transpose } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { sizeOf } from "../shape.ts";
import type { Window } from "../window.ts";

/** What windows see of a tensor at every position of a grid. */
export interface View {
  /** [batch, channels, ...input] */
  readonly of: Value;
  readonly windows: readonly Window[];
  /** The taps are numbered from the last to the first. */
  readonly descending?: boolean;
}

/** How many numbers a view has for each position: taps · channels. */
export function rowLength({ of, windows }: View): number {
  return Number(of.shape[1]) * tapsOf(windows);
}

export function tapsOf(windows: readonly Window[]): number {
  return sizeOf(windows.map(({ kernel }) => kernel));
}

/** The whole tensor, position by position. */
export function plain(of: Value): View {
  const windows = of.shape.slice(2).map((size) => across(Number(size)));
  return { of, windows };
}

/** A window of one element on every position of an axis. */
export function across(size: number): Window {
  return { input: size, output: size, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
}

/** [batch, taps · channels, positions]: one slice for each tap; fast whatever the number of channels. */
export function slicedView(g: GraphBuilder, view: View): Value {
  const { of, windows } = view;
  const source = padded(g, of, windows);
  const slices = orderedTaps(view).map((tap) => tapSlice(g, source, windows, tap));
  const [first, ...rest] = slices;
  if (first === undefined) throw new TypeError("a window has at least one tap");
  const taps = rest.length === 0 ? first : g.node("Concat", [first, ...rest], { axis: 1 });
  return g.node("Reshape", [taps, g.integers(0, rowLength(view), -1)], {});
}

/** [batch · positions, taps · channels]: gathered by index, channels last; fast where there are many. */
export function gatheredView(g: GraphBuilder, view: View): Value {
  const channels = Number(view.of.shape[1]);
  const pixels = sizeOf(view.windows.map(({ input }) => input));
  const perm = [0, ...view.windows.map((_, axis) => axis + 2), 1];
  const rows = g.node("Reshape", [transpose(g, view.of, perm), g.integers(0, pixels, channels)], {});
  const whole = g.integers(-1, rowLength(view));
  if (isPlain(view)) return g.node("Reshape", [rows, whole], {});
  const isPadded = view.windows.some(({ before, after }) => before > 0 || after > 0);
  // Row `pixels` is the padding.
  const source = isPadded ? g.node("Pad", [rows, g.integers(0, 0, 0, 0, 1, 0)], {}) : rows;
  return g.node("Reshape", [g.node("Gather", [source, g.constant(indicesOf(view))], { axis: 1 }), whole], {});
}

/** How many indices a gathered view takes. */
export function indicesIn({ windows }: View): number {
  return tapsOf(windows) * sizeOf(windows.map(({ output }) => output));
}

/** With the zeros around it that the windows reach into. */
export function padded(g: GraphBuilder, x: Value, windows: readonly Window[]): Value {
  const pads = [0, 0, ...windows.map(({ before }) => before), 0, 0, ...windows.map(({ after }) => after)];
  return pads.every((size) => size === 0) ? x : g.node("Pad", [x, g.integers(...pads)], {});
}

/** What one tap sees of a tensor that is padded already: [batch, channels, ...output]. */
export function tapSlice(
  g: GraphBuilder,
  source: Value,
  windows: readonly Window[],
  tap: readonly number[],
): Value {
  const starts = windows.map(({ dilation }, axis) => dilation * (tap[axis] ?? 0));
  const ends = windows.map(({ output, stride }, axis) => (starts[axis] ?? 0) + stride * (output - 1) + 1);
  const axes = windows.map((_, axis) => axis + 2);
  const strides = windows.map(({ stride }) => stride);
  const isWhole = axes.every((axis, index) => starts[index] === 0 && ends[index] === source.shape[axis]);
  if (isWhole && strides.every((stride) => stride === 1)) return source;
  const bounds = [g.integers(...starts), g.integers(...ends), g.integers(...axes)] as const;
  return g.node("Slice", [source, ...bounds, g.integers(...strides)], {});
}

/** All positions of a grid, the last axis fastest. */
export function positionsOf(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (grid, size) =>
      grid.flatMap((position) => Array.from({ length: size }, (_, next) => [...position, next])),
    [[]],
  );
}

function orderedTaps({ windows, descending = false }: View): number[][] {
  const taps = positionsOf(windows.map(({ kernel }) => kernel));
  return descending ? taps.toReversed() : taps;
}

function isPlain({ windows }: View): boolean {
  return windows.every(({ kernel, stride, input, output }) => kernel * stride === 1 && input === output);
}

/** For every position and tap, in this order, the pixel it sees; one past the last for the padding. */
function indicesOf(view: View): Int32Array<ArrayBuffer> {
  const { windows } = view;
  const pixels = sizeOf(windows.map(({ input }) => input));
  const taps = orderedTaps(view);
  const positions = positionsOf(windows.map(({ output }) => output));
  const indices = new Int32Array(positions.length * taps.length);
  let next = 0;
  for (const position of positions) {
    for (const tap of taps) indices[next++] = pixelAt(windows, position, tap) ?? pixels;
  }
  return indices;
}

function pixelAt(
  windows: readonly Window[],
  position: readonly number[],
  tap: readonly number[],
): number | undefined {
  let pixel = 0;
  for (const [axis, { input, stride, dilation, before }] of windows.entries()) {
    const at = (position[axis] ?? 0) * stride + (tap[axis] ?? 0) * dilation - before;
    if (at < 0 || at >= input) return undefined;
    pixel = pixel * input + at;
  }
  return pixel;
}
