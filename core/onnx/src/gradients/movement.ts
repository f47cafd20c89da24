import { mul } from "../arithmetic.ts";
import { checkConstantSize } from "../constant-size.ts";
import { reshapeLike, sumTo, zerosLike } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { axisOf, mismatch, TypeMismatch, type Value } from "../operator.ts";
import type { MovementSignatures } from "../operators/movement.ts";
import { type Dimension, sizeOf } from "../shape.ts";
import { type SliceRange, slicedAxes } from "../slice-range.ts";

export const movementGradients: GradientTable<keyof MovementSignatures> = {
  // each input gets its part of dy back
  Concat: (g, { inputs, attributes: { axis } }, dy) => {
    let end = 0;
    return inputs.map((input) => {
      const start = end;
      end += Number(input.shape[axisOf(axis, input.shape.length)]);
      const [from, to] = [g.integers(start), g.integers(end)];
      return () => g.node("Slice", [dy, from, to, g.integers(axis)], {});
    });
  },

  // summed over what was repeated
  Expand: (g, { inputs: [x] }, dy) => [() => sumTo(g, dy, x.shape), undefined],

  // y = x in another shape: dx = dy in x's shape
  Flatten: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x)],

  // the padding is cut off again; pads may be negative
  Pad: (g, { inputs: [, pads] }, dy) => [
    () => g.node("Pad", [dy, g.integers(...(g.constantOf(pads) ?? []).map((size) => -size))], {}),
    undefined,
    undefined,
  ],

  // y = x in another shape: dx = dy in x's shape
  Reshape: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x), undefined],

  // every element is repeated over a block: dx is the sum over the block
  Resize: (g, { inputs: [x, , scales] }, dy) => {
    const [batch, channels, ...factors] = g.constantOf(scales) ?? [];
    if (batch !== 1 || channels !== 1) throw mismatch("only spatial axes can be resized", x);
    return [
      () => {
        const mean = g.node("AveragePool", [dy], { kernel_shape: factors, strides: factors });
        return mul(g, mean, sizeOf(factors));
      },
      undefined,
      undefined,
    ];
  },

  // the parts that were cut off get nothing
  Slice: (g, { inputs: [x, starts, ends, axes, steps] }, dy) => [
    () => {
      const ranges = [...slicedAxes(x.shape, [starts, ends, axes, steps], g)];
      return ranges.reduce((dx, [axis, range]) => putBack(g, dx, axis, x.shape[axis], range), dy);
    },
    undefined,
    undefined,
    undefined,
    undefined,
  ],

  // the parts put together again
  Split: (g, { attributes: { axis = 0 }, outputs }, _, dys) => [
    () => {
      const [first, ...others] = outputs.map((output, index) => dys[index] ?? zerosLike(g, output));
      if (first === undefined) throw new TypeMismatch("it has no parts");
      return g.node("Concat", [first, ...others], { axis });
    },
    undefined,
  ],

  // y = x in another shape: dx = dy in x's shape
  Squeeze: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x), undefined],

  // the inverse permutation
  Transpose: (g, { inputs: [x], attributes: { perm = [...x.shape.keys()].reverse() } }, dy) => [
    () => g.node("Transpose", [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) }),
  ],

  // y = x in another shape: dx = dy in x's shape
  Unsqueeze: (g, { inputs: [x] }, dy) => [() => reshapeLike(g, dy, x), undefined],
};

/** Undoes a slice along one axis: zeros where it took nothing. */
function putBack(
  g: GraphBuilder,
  dy: Value,
  axis: number,
  size: Dimension | undefined,
  range: SliceRange | undefined,
): Value {
  if (range !== undefined && range.length === size && range.step === 1) return dy;
  if (range === undefined || typeof size !== "number" || typeof range.length !== "number") {
    throw mismatch("a slice whose bounds or size are not constant has no gradient", dy);
  }
  const { start, step, length } = range;
  if (step === 1) return pad(g, dy, axis, start, size - start - length);
  if (step === -1) return pad(g, reversed(g, dy, axis), axis, start + 1 - length, size - start - 1);
  checkConstantSize(size);
  // Row `length` is the zeros added at the end.
  const origin = new BigInt64Array(size).fill(BigInt(length));
  for (let row = 0; row < length; row += 1) origin[start + row * step] = BigInt(row);
  return g.node("Gather", [pad(g, dy, axis, 0, 1), g.constant(origin)], { axis });
}

function reversed(g: GraphBuilder, x: Value, axis: number): Value {
  const [first, last] = [g.integers(-1), g.integers(-(2 ** 31))];
  return g.node("Slice", [x, first, last, g.integers(axis), g.integers(-1)], {});
}

function pad(g: GraphBuilder, x: Value, axis: number, before: number, after: number): Value {
  const pads = Array<number>(2 * x.shape.length).fill(0);
  return g.node("Pad", [x, g.integers(...pads.with(axis, before).with(axis + x.shape.length, after))], {});
}
