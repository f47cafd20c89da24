import { mul } from "../arithmetic.ts";
import { isModestSize } from "../constant-size.ts";
import { reshapeLike, rowsOf, swapFirstAxes, transpose, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { sizeOf } from "../shape.ts";
import { padsOf, type Window } from "../window.ts";

/**
 * The gradient of a convolution by its weight: for every tap of the kernel, the
 * products of what it saw of x and of dy, summed over batch and positions.
 * Three formulations of the same sums, by what each is fast at; measured on
 * ONNX Runtime, docs/explanation/training-graph.md has the numbers.
 *
 * @param x [batch, channels, ...input]
 * @param dy [batch, outputs, ...output]
 * @param w [outputs, channels / group, ...kernel]; only its shape is used
 */
export function weightGradient(
  g: GraphBuilder,
  x: Value,
  dy: Value,
  w: Value,
  windows: readonly Window[],
  group: number,
): Value {
  const channels = Number(x.shape[1]);
  const depthwise = group > 1 && group === channels && group === w.shape[0];
  const taps = sizeOf(windows.map(({ kernel }) => kernel));
  if (depthwise && taps <= depthwiseTapsMax && windows.every(({ stride }) => stride === 1)) {
    return byTap(g, x, dy, w, windows);
  }
  const indices = taps * sizeOf(windows.map(({ output }) => output));
  if (group === 1 && channels >= unfoldedChannelsMin && isModestSize(indices)) {
    return byMatrixProduct(g, x, dy, w, windows);
  }
  return byConvolution(g, x, dy, windows, group);
}

/** One product and one sum for each tap: depthwise, where each channel is on its own. */
function byTap(g: GraphBuilder, x: Value, dy: Value, w: Value, windows: readonly Window[]): Value {
  const axes = windows.map((_, axis) => axis + 2);
  const pads = [0, 0, ...windows.map(({ before }) => before), 0, 0, ...windows.map(({ after }) => after)];
  const padded = pads.every((size) => size === 0) ? x : g.node("Pad", [x, g.integers(...pads)], {});
  const sums = positionsOf(windows.map(({ kernel }) => kernel)).map((tap) => {
    const starts = windows.map(({ dilation }, axis) => dilation * (tap[axis] ?? 0));
    const ends = windows.map(({ output }, axis) => (starts[axis] ?? 0) + output);
    const seen = g.node(
      "Slice",
      [padded, g.integers(...starts), g.integers(...ends), g.integers(...axes)],
      {},
    );
    return g.node("ReduceSum", [mul(g, seen, dy), g.integers(0, ...axes)], { keepdims: 0 });
  });
  const columns = sums.map((sum) => unsqueeze(g, sum, 1));
  const [first, ...rest] = columns;
  if (first === undefined) throw new TypeError("a kernel has at least one tap");
  return reshapeLike(g, g.node("Concat", [first, ...rest], { axis: 1 }), w);
}

/** dwᵀ = dyᵀ · columns, one row of columns for each position of the window. */
function byMatrixProduct(g: GraphBuilder, x: Value, dy: Value, w: Value, windows: readonly Window[]): Value {
  const [outputs, channels] = [Number(w.shape[0]), Number(w.shape[1])];
  const product = g.node("Gemm", [rowsOf(g, channelsLast(g, dy)), unfold(g, x, windows)], { transA: 1 });
  const byChannel = g.node("Reshape", [product, g.integers(outputs, -1, channels)], {});
  return reshapeLike(g, g.node("Transpose", [byChannel], { perm: [0, 2, 1] }), w);
}

/** A Conv of x with dy as its kernel: batch and channels change places, strides and dilations as well. */
function byConvolution(
  g: GraphBuilder,
  x: Value,
  dy: Value,
  windows: readonly Window[],
  group: number,
): Value {
  const seen = g.node("Conv", [channelsAsBatch(g, x, group), swapFirstAxes(g, dy)], {
    dilations: windows.map(({ stride }) => stride),
    group,
    pads: padsOf(windows),
    strides: windows.map(({ dilation }) => dilation),
  });
  const axes = windows.map((_, axis) => axis + 2);
  // Where the stride leaves some of the input out, more taps fit than the kernel has.
  const fits = windows.every(({ kernel }, axis) => seen.shape[axis + 2] === kernel);
  const [starts, ends] = [windows.map(() => 0), windows.map(({ kernel }) => kernel)];
  const taps = fits
    ? seen
    : g.node("Slice", [seen, g.integers(...starts), g.integers(...ends), g.integers(...axes)], {});
  return swapFirstAxes(g, taps);
}

/** [batch, group · inner, ...] to [inner, group · batch, ...]. */
function channelsAsBatch(g: GraphBuilder, x: Value, group: number): Value {
  if (group === 1) return swapFirstAxes(g, x);
  const [, channels, ...spatial] = x.shape;
  const inner = Number(channels) / group;
  const grouped = g.node("Reshape", [x, g.integers(0, group, inner, ...spatial.map(Number))], {});
  const rest = spatial.map((_, axis) => axis + 3);
  const moved = g.node("Transpose", [grouped], { perm: [2, 1, 0, ...rest] });
  return g.node("Reshape", [moved, g.integers(inner, -1, ...spatial.map(Number))], {});
}

/** What every position of the window sees: [batch · positions, taps · channels]. */
function unfold(g: GraphBuilder, x: Value, windows: readonly Window[]): Value {
  const channels = Number(x.shape[1]);
  const pixels = sizeOf(windows.map(({ input }) => input));
  const rows = g.node("Reshape", [channelsLast(g, x), g.integers(0, pixels, channels)], {});
  const sameGrid = windows.every(
    (each) => each.kernel === 1 && each.stride === 1 && each.input === each.output,
  );
  if (sameGrid) return rowsOf(g, rows);
  const indices = unfoldIndices(windows);
  const padded = windows.some(({ before, after }) => before > 0 || after > 0);
  // Row `pixels` is the padding.
  const source = padded ? g.node("Pad", [rows, g.integers(0, 0, 0, 0, 1, 0)], {}) : rows;
  const columns = g.node("Gather", [source, g.constant(indices)], { axis: 1 });
  const taps = sizeOf(windows.map(({ kernel }) => kernel));
  return g.node("Reshape", [columns, g.integers(-1, taps * channels)], {});
}

/** For every position and tap, in this order, the pixel it sees; one past the last for the padding. */
function unfoldIndices(windows: readonly Window[]): Int32Array<ArrayBuffer> {
  const pixels = sizeOf(windows.map(({ input }) => input));
  const taps = positionsOf(windows.map(({ kernel }) => kernel));
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

/** All positions of a grid, the last axis fastest. */
function positionsOf(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (grid, size) =>
      grid.flatMap((position) => Array.from({ length: size }, (_, next) => [...position, next])),
    [[]],
  );
}

function channelsLast(g: GraphBuilder, x: Value): Value {
  return transpose(g, x, [0, ...x.shape.slice(2).map((_, axis) => axis + 2), 1]);
}

/** Below this many channels the rows to gather are so short that a Conv with swapped roles is faster. */
const unfoldedChannelsMin = 16;
/** More taps than this make more nodes than they save time. */
const depthwiseTapsMax = 49;
