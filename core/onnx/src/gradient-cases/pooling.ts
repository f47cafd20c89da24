import type { GradientCase, GradientCaseTable } from "../gradient-case.ts";
import type { PoolingSignatures } from "../operators/pooling.ts";
import type { Shape } from "../shape.ts";

export const poolingCases: GradientCaseTable<keyof PoolingSignatures> = {
  AveragePool: [
    average("blocks", ["n", 2, 4, 6], { kernel_shape: [2, 3], strides: [2, 3] }),
    average("blocks along one axis", ["n", 2, 6], { kernel_shape: [3], strides: [3] }),
    average("overlapping", ["n", 2, 5, 5], { kernel_shape: [3, 3], strides: [2, 2] }),
    average("padded, padding left out", [1, 2, 4, 5], { kernel_shape: [3, 3], pads: [1, 0, 1, 1] }),
    average("padded, padding counted", [1, 2, 4, 5], {
      kernel_shape: [3, 3],
      pads: [1, 0, 1, 1],
      count_include_pad: 1,
    }),
    average("one axis, ceil mode", [2, 1, 6], { kernel_shape: [3], strides: [2], ceil_mode: 1 }),
    average("SAME_UPPER", [1, 1, 5, 5], { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }),
    average("dilated", ["n", 2, 6, 7], { kernel_shape: [2, 3], dilations: [2, 1], strides: [1, 2] }),
    average("dilated, padded, ceil mode, padding left out", [1, 2, 5, 6], {
      ...{ kernel_shape: [2, 2], dilations: [2, 3], strides: [2, 2], pads: [1, 0, 0, 1], ceil_mode: 1 },
    }),
    average("dilated and padded, padding counted", [1, 1, 6], {
      ...{ kernel_shape: [3], dilations: [2], pads: [2, 1], count_include_pad: 1 },
    }),
    average("some of the input left out", [1, 1, 5], { kernel_shape: [2], strides: [2] }),
  ],
  GlobalAveragePool: [
    { name: "images", inputs: [["n", 2, 3, 2]], sizes: { n: 2 }, attributes: {}, type: "float32" },
  ],
  GlobalMaxPool: [
    {
      name: "images",
      inputs: [["n", 2, 3, 2]],
      sizes: { n: 2 },
      attributes: {},
      type: "float32",
      at: "distinct",
    },
  ],
  MaxPool: [
    max("blocks", ["n", 2, 4, 6], { kernel_shape: [2, 3], strides: [2, 3] }),
    max("blocks along one axis", ["n", 2, 6], { kernel_shape: [2], strides: [2] }),
    max("blocks, some of the input left out", ["n", 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2] }),
    max("overlapping", ["n", 2, 5, 5], { kernel_shape: [3, 3], strides: [2, 2] }),
    max("overlapping and padded", [1, 2, 4, 4], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    max("ceil mode", [1, 2, 6, 5], { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
    max("dilated", [1, 1, 6, 6], { kernel_shape: [2, 2], dilations: [2, 2] }),
    max("SAME_LOWER", [1, 1, 5, 5], { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }),
  ],
};

function average(
  name: string,
  shape: Shape,
  attributes: GradientCase<"AveragePool">["attributes"],
): GradientCase<"AveragePool"> {
  return { name, inputs: [shape], sizes: { n: 2 }, attributes, type: "float32" };
}

function max(
  name: string,
  shape: Shape,
  attributes: GradientCase<"MaxPool">["attributes"],
): GradientCase<"MaxPool"> {
  return { name, inputs: [shape], sizes: { n: 2 }, attributes, type: "float32", at: "distinct" };
}
