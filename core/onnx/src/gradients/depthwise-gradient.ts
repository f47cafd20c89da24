import { cast, mul } from "../arithmetic.ts";
import { reshapeLike, swapFirstAxes, transpose, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { Window } from "../window.ts";
import { across, padded, positionsOf, tapSlice } from "./window-views.ts";

/**
 * The gradient of a depthwise convolution by its weight, where there is a form
 * faster than a grouped Conv; each channel is on its own.
 *
 * @returns undefined where there is none
 */
export function depthwiseWeightGradient(
  g: GraphBuilder,
  x: Value,
  dy: Value,
  w: Value,
  windows: readonly Window[],
): Value | undefined {
  const [column, row, ...deeper] = windows;
  if (column !== undefined && row !== undefined && deeper.length === 0) {
    if (row.input * row.output <= rowPairsMax) return byRows(g, x, dy, w, [column, row]);
  }
  return windows.every(({ stride }) => stride === 1) ? byTap(g, x, dy, w, windows) : undefined;
}

/**
 * For each tap of the column, the product of all rows of dy with the rows that it saw of x:
 * of every element with every other, [channels, output, input], of which the taps of the row
 * are sums. Most of it is for nothing, and a matrix product is so much faster that short rows gain.
 */
function byRows(
  g: GraphBuilder,
  x: Value,
  dy: Value,
  w: Value,
  [column, row]: readonly [Window, Window],
): Value {
  const channels = Number(x.shape[1]);
  const views = [column, across(row.input)];
  const source = padded(g, swapFirstAxes(g, x), views);
  const rows = (value: Value, size: number): Value =>
    g.node("Reshape", [value, g.integers(channels, -1, size)], {});
  const dys = transpose(g, rows(swapFirstAxes(g, dy), row.output), [0, 2, 1]);
  const pairs = Array.from({ length: column.kernel }, (_, tap) => {
    const seen = rows(tapSlice(g, source, views, [tap, 0]), row.input);
    return g.node("Reshape", [g.node("MatMul", [dys, seen], {}), g.integers(channels, 1, -1)], {});
  });
  const taps = cast(g, g.constant(pairsOfTaps(row), [row.output * row.input, row.kernel]), x.type);
  return reshapeLike(g, g.node("MatMul", [concat(g, pairs), taps], {}), w);
}

/** 1 where an output, an input and a tap of a row belong together: [output · input, kernel]. */
function pairsOfTaps({ input, output, kernel, stride, dilation, before }: Window): Float32Array<ArrayBuffer> {
  const pairs = new Float32Array(output * input * kernel);
  for (const [position, tap] of positionsOf([output, kernel])) {
    if (position === undefined || tap === undefined) continue;
    const seen = position * stride + tap * dilation - before;
    if (seen >= 0 && seen < input) pairs[(position * input + seen) * kernel + tap] = 1;
  }
  return pairs;
}

/** One product and one sum for each tap. */
function byTap(g: GraphBuilder, x: Value, dy: Value, w: Value, windows: readonly Window[]): Value {
  const axes = windows.map((_, axis) => axis + 2);
  const source = padded(g, x, windows);
  const sums = positionsOf(windows.map(({ kernel }) => kernel)).map((tap) => {
    const seen = tapSlice(g, source, windows, tap);
    const sum = g.node("ReduceSum", [mul(g, seen, dy), g.integers(0, ...axes)], { keepdims: 0 });
    return unsqueeze(g, sum, 1);
  });
  return reshapeLike(g, concat(g, sums), w);
}

function concat(g: GraphBuilder, [first, ...rest]: readonly Value[]): Value {
  if (first === undefined) throw new TypeError("a kernel has at least one tap");
  return rest.length === 0 ? first : g.node("Concat", [first, ...rest], { axis: 1 });
}

/** An output row of 32 for an input row of 32 is as fast tap by tap. */
const rowPairsMax = 512;
