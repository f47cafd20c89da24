import { isModestSize } from "../constant-size.ts";
import { reshapeLike, swapFirstAxes, transpose } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { extentOf, padsOf, type Window } from "../window.ts";
import { depthwiseWeightGradient } from "./depthwise-gradient.ts";
import {
  across,
  gatheredView,
  indicesIn,
  plain,
  rowLength,
  slicedView,
  tapsOf,
  type View,
} from "./window-views.ts";

/**
 * The gradient of a convolution by its weight: for every tap of the kernel, the
 * products of what it saw of x and of dy, summed over batch and positions.
 * Several formulations of the same sums, by what each is fast at; measured on
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
  if (tapsOf(windows) <= tapsMax) {
    if (group === 1) return byProduct(g, w, productViews(x, dy, windows));
    const isDepthwise = group === x.shape[1] && group === w.shape[0];
    const fast = isDepthwise ? depthwiseWeightGradient(g, x, dy, w, windows) : undefined;
    if (fast !== undefined) return fast;
  }
  return byConvolution(g, x, dy, windows, group);
}

/** Views of x and dy over the same positions, whose product is the gradient. */
interface ProductViews {
  readonly x: View;
  readonly dy: View;
}

/**
 * Either x is seen by the whole kernel, or x along all axes but the first and dy
 * along that: then a kernel of 3 by 3 makes 3 copies of each instead of 9 of x.
 */
function productViews(x: Value, dy: Value, windows: readonly Window[]): ProductViews {
  const whole = { x: { of: x, windows }, dy: plain(dy) };
  const [first, ...rest] = windows;
  if (first === undefined || rest.length === 0 || first.stride > 1) return whole;
  const { input, output, kernel, dilation } = first;
  const before = extentOf(first) - 1 - first.before;
  const after = Math.max(0, input + first.before - output);
  if (before < 0 || input > rowsMax * output) return whole;
  const back: Window = { input: output, output: input, kernel, stride: 1, dilation, before, after };
  const split = {
    x: { of: x, windows: [across(input), ...rest] },
    dy: { of: dy, windows: [back, ...rest.map((axis) => across(axis.output))], descending: true },
  };
  return lengthOf(split) < lengthOf(whole) ? split : whole;
}

function lengthOf({ x, dy }: ProductViews): number {
  return rowLength(x) + rowLength(dy);
}

/**
 * With few channels, or one tap, one product for each example, channels first,
 * then their sum. With many the copying is little, and one Gemm of all examples is faster.
 */
function byProduct(g: GraphBuilder, w: Value, { x, dy }: ProductViews): Value {
  const [outputs, channels] = [Number(w.shape[0]), Number(w.shape[1])];
  const isStrided = x.windows.some(({ stride }) => stride > 1);
  const many = isStrided ? channels >= stridedChannelsMin : Math.min(channels, outputs) >= channelsMin;
  const isModest = isModestSize(indicesIn(x)) && isModestSize(indicesIn(dy));
  const isGathered = many && isModest && rowLength(x) > channels;
  const xFirst = isGathered ? rowLength(x) <= rowLength(dy) : rowLength(x) > rowLength(dy);
  const [left, right] = xFirst ? [x, dy] : [dy, x];
  const product = isGathered
    ? g.node("Gemm", [gatheredView(g, left), gatheredView(g, right)], { transA: 1 })
    : sumOfProducts(g, slicedView(g, left), slicedView(g, right));
  const shape = [tapsOf(left.windows), left.of.shape[1], tapsOf(right.windows), right.of.shape[1]];
  const byTap = g.node("Reshape", [product, g.integers(...shape.map(Number))], {});
  return reshapeLike(g, transpose(g, byTap, xFirst ? [3, 1, 2, 0] : [1, 3, 0, 2]), w);
}

/** Σ left · rightᵀ over the batch. */
function sumOfProducts(g: GraphBuilder, left: Value, right: Value): Value {
  const products = g.node("MatMul", [left, transpose(g, right, [0, 2, 1])], {});
  return g.node("ReduceSum", [products, g.integers(0)], { keepdims: 0 });
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

/** From so many channels and outputs on, one Gemm of all examples is faster than one product for each. */
const channelsMin = 32;
/** Likewise channels where a stride makes slices slow. */
const stridedChannelsMin = 16;
/** Splitting the kernel multiplies rows of padding as well: more than this much is not worth it. */
const rowsMax = 1.2;
/** More taps than this make more nodes than they save time. */
const tapsMax = 49;
