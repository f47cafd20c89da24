import { cast, div } from "../arithmetic.ts";
import { checkConstantSize, isModestSize } from "../constant-size.ts";
import { expandLike, reshapeLike, unsqueeze, zerosLike } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import type { PoolingSignatures } from "../operators/pooling.ts";
import { sizeOf } from "../shape.ts";
import type { TapeNode } from "../tape.ts";
import { countsOf, type Window, windowsOf } from "../window.ts";
import { spreadOver } from "./convolution.ts";

export const poolingGradients: GradientTable<keyof PoolingSignatures> = {
  // each window spreads its dy evenly over what it counted
  AveragePool: (g, { inputs: [x], attributes }, dy) => [
    () => {
      const windows = windowsOf(x, attributes.kernel_shape, attributes);
      const share = div(g, dy, divisorOf(g, windows, attributes.count_include_pad === 1, dy));
      return areBlocks(windows) && dy.type === "float32"
        ? repeat(g, share, windows)
        : spreadOver(g, share, onesLike(g, x, windows), windows, Number(x.shape[1]));
    },
  ],

  GlobalAveragePool: (g, { inputs: [x] }, dy) => [
    () => expandLike(g, div(g, dy, sizeOf(x.shape.slice(2).map(Number))), x),
  ],

  // dy goes to the largest, the first where several are
  GlobalMaxPool: (g, { inputs: [x] }, dy) => [
    () => {
      const rows = (value: Value): Value => g.node("Reshape", [value, g.integers(0, 0, -1)], {});
      const pixels = rows(x);
      const first = g.node("ArgMax", [pixels], { axis: -1, keepdims: 1 });
      const placed = g.node("ScatterElements", [zerosLike(g, pixels), first, rows(dy)], { axis: -1 });
      return reshapeLike(g, placed, x);
    },
  ],

  // dy goes to the largest of its window, the first where several are
  MaxPool: (g, node, dy) => [
    () => {
      const [x] = node.inputs;
      const windows = windowsOf(x, node.attributes.kernel_shape, node.attributes);
      const blocks = areBlocks(windows) && dy.type === "float32";
      return blocks && isModestSize(sizeOf(windows.map(({ input }) => input)))
        ? byPattern(g, node, dy, windows)
        : byIndices(g, node, dy);
    },
  ],
};

/**
 * Windows that tile the input: every element belongs to one. Asking MaxPool for
 * the indices takes it off its fast kernel (measured: 18 times slower), so the
 * first of the largest is found by numbering the elements of each block downwards.
 */
function byPattern(
  g: GraphBuilder,
  { inputs: [x], output: y, attributes }: TapeNode<"MaxPool">,
  dy: Value,
  windows: readonly Window[],
): Value {
  const zero = g.scalar(0, x.type);
  const pattern = g.constant(blockPattern(windows), [1, 1, ...windows.map(({ input }) => input)]);
  const largest = g.node("Equal", [x, repeat(g, y, windows)], {});
  const numbered = g.node("Where", [largest, pattern, zero], {});
  const highest = g.node("MaxPool", [numbered], attributes);
  const first = g.node("Equal", [numbered, repeat(g, highest, windows)], {});
  return g.node("Where", [first, repeat(g, dy, windows), zero], {});
}

/** Windows that overlap or reach into padding: MaxUnpool would lose what two of them give one element. */
function byIndices(g: GraphBuilder, node: TapeNode<"MaxPool">, dy: Value): Value {
  const [x] = node.inputs;
  const indices = g.furtherOutput(node.output, { type: "int64", shape: node.output.shape });
  const flat = (value: Value): Value => g.node("Reshape", [value, g.integers(-1)], {});
  const added = g.node("ScatterElements", [flat(zerosLike(g, x)), flat(indices), flat(dy)], {
    axis: 0,
    reduction: "add",
  });
  return reshapeLike(g, added, x);
}

function areBlocks(windows: readonly Window[]): boolean {
  return windows.every(
    ({ input, kernel, stride, dilation, before, after }) =>
      stride === kernel && dilation === 1 && before === 0 && after === 0 && input % kernel === 0,
  );
}

/** Every element over the whole of its block. */
function repeat(g: GraphBuilder, x: Value, windows: readonly Window[]): Value {
  const [axis, ...others] = windows;
  if (axis !== undefined && others.length === 0) {
    // Along one axis the runtime's Resize takes 2.5 times as long.
    const column = unsqueeze(g, x, 3);
    const copies = Array.from({ length: axis.kernel - 1 }, () => column);
    const blocks = g.node("Concat", [column, ...copies], { axis: 3 });
    return g.node("Reshape", [blocks, g.integers(0, 0, axis.input)], {});
  }
  const scales = g.constant(Float32Array.of(1, 1, ...windows.map(({ kernel }) => kernel)));
  return g.node("Resize", [x, undefined, scales], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
}

/** Numbers the elements of every block, the first highest, the last 1. */
function blockPattern(windows: readonly Window[]): Float32Array<ArrayBuffer> {
  const sizes = windows.map(({ input }) => input);
  const taps = sizeOf(windows.map(({ kernel }) => kernel));
  return Float32Array.from({ length: sizeOf(sizes) }, (_, pixel) => {
    let [rest, place, weight] = [pixel, 0, 1];
    for (const { input, kernel } of windows.toReversed()) {
      place += ((rest % input) % kernel) * weight;
      rest = Math.floor(rest / input);
      weight *= kernel;
    }
    return taps - place;
  });
}

/** How many elements each window averages over: a number, or one for each position. */
function divisorOf(
  g: GraphBuilder,
  windows: readonly Window[],
  includesPadding: boolean,
  dy: Value,
): Value | number {
  const sizes = windows.map(({ output }) => output);
  checkConstantSize(sizeOf(sizes));
  const counts = countsOf(windows, includesPadding);
  const whole = sizeOf(windows.map(({ kernel }) => kernel));
  if (counts.every((count) => count === whole)) return whole;
  return cast(g, g.constant(counts, [1, 1, ...sizes]), dy.type);
}

function onesLike(g: GraphBuilder, x: Value, windows: readonly Window[]): Value {
  const shape = [Number(x.shape[1]), 1, ...windows.map(({ kernel }) => kernel)];
  return g.node("Expand", [g.scalar(1, x.type), g.integers(...shape)], {});
}
