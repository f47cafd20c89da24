import type { CompositionTable } from "../composition.ts";
import { checkConstantSize } from "../constant-size.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { constantInput, mismatch, type Value } from "../operator.ts";
import { sizeOf } from "../shape.ts";
import { type Window, type WindowAttributes, windowsOf } from "../window.ts";

export interface FoldingCompositions {
  Col2Im: {
    inputs: readonly [columns: Value, imageShape: Value, blockShape: Value];
    attributes: Pick<WindowAttributes, "dilations" | "pads" | "strides">;
  };
}

export const foldingCompositions: CompositionTable<FoldingCompositions> = {
  // [batch, channels * block, positions]: each element is added to the pixel that it was taken from
  Col2Im: {
    arity: [3, 3],
    attributes: { dilations: "ints", pads: "ints", strides: "ints" },
    compose: (g, [columns, imageShape, blockShape], attributes) => {
      const image = constantInput(imageShape, "shape of the image", g);
      const block = constantInput(blockShape, "shape of a block", g);
      const windows = windowsOf({ ...columns, shape: [1, 1, ...image] }, block, attributes);
      const [, depth, positions] = columns.shape;
      const channels = Number(depth) / sizeOf(block);
      if (!Number.isInteger(channels) || positions !== sizeOf(windows.map(({ output }) => output))) {
        throw mismatch("the columns do not fit the image and the block", columns);
      }
      const apart = g.node("Reshape", [columns, g.integers(0, channels, -1)], {});
      const rows = g.node("Transpose", [apart], { perm: [2, 0, 1] });
      const pixels = pixelsOf(windows);
      const count = sizeOf(image);
      const zeros = g.node("Expand", [g.scalar(0, columns.type), shapeWithRows(g, rows, count + 1)], {});
      const places = g.constant(pixels, [pixels.length, 1]);
      const added = g.node("ScatterND", [zeros, places, rows], { reduction: "add" });
      const kept = g.node("Slice", [added, g.integers(0), g.integers(count), g.integers(0)], {});
      const moved = g.node("Transpose", [kept], { perm: [1, 2, 0] });
      return g.node("Reshape", [moved, g.integers(0, channels, ...image)], {});
    },
  },
};

/** The pixel of each element of the blocks, for all positions of each; one past the last for those in the padding. */
function pixelsOf(windows: readonly Window[]): BigInt64Array<ArrayBuffer> {
  const sizes = windows.map(({ input }) => input);
  const block = windows.map(({ kernel }) => kernel);
  const outputs = windows.map(({ output }) => output);
  const positions = sizeOf(outputs);
  const length = sizeOf(block) * positions;
  checkConstantSize(length);
  return BigInt64Array.from({ length }, (_, index) => {
    const tap = placeOf(Math.floor(index / positions), block);
    const position = placeOf(index % positions, outputs);
    const pixel = windows.map(
      ({ before, stride, dilation }, axis) =>
        (position[axis] ?? 0) * stride - before + (tap[axis] ?? 0) * dilation,
    );
    const isInside = pixel.every((at, axis) => at >= 0 && at < (sizes[axis] ?? 0));
    const flat = pixel.reduce((rows, at, axis) => rows * (sizes[axis] ?? 1) + at, 0);
    return BigInt(isInside ? flat : sizeOf(sizes));
  });
}

/** Along each axis, of an element's place in row-major order. */
function placeOf(flat: number, sizes: readonly number[]): readonly number[] {
  let rest = flat;
  return sizes
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .reverse();
}

/** The shape of [rows, batch, channels] with another number of rows. */
function shapeWithRows(g: GraphBuilder, x: Value, rows: number): Value {
  const others = g.node("Shape", [x], { start: 1 });
  return g.node("Concat", [g.integers(rows), others], { axis: 0 });
}
