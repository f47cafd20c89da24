import type { GradientCase, GradientCaseTable } from "../gradient-case.ts";
import type { ConvolutionSignatures } from "../operators/convolution.ts";
import type { Shape } from "../shape.ts";

export const convolutionCases: GradientCaseTable<keyof ConvolutionSignatures> = {
  Conv: [
    conv("with bias", [["n", 2, 4, 4], [3, 2, 3, 3], [3]], {}),
    conv(
      "without bias, padded",
      [
        ["n", 1, 4, 4],
        [2, 1, 3, 3],
      ],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    ),
    conv(
      "pads differ",
      [
        ["n", 2, 4, 5],
        [2, 2, 3, 2],
      ],
      { pads: [0, 1, 2, 0] },
    ),
    conv(
      "strides, some of the input left out",
      [
        ["n", 2, 6, 7],
        [2, 2, 3, 2],
      ],
      { strides: [2, 3] },
    ),
    conv(
      "dilated",
      [
        ["n", 2, 6, 6],
        [2, 2, 3, 2],
      ],
      { dilations: [2, 3] },
    ),
    conv("strides, dilations and pads", [["n", 2, 7, 7], [2, 2, 3, 3], [2]], {
      strides: [2, 2],
      dilations: [2, 1],
      pads: [2, 1, 1, 1],
    }),
    conv("groups", [["n", 4, 4, 4], [6, 2, 3, 3], [6]], { group: 2, pads: [1, 1, 1, 1] }),
    conv(
      "groups, strides",
      [
        ["n", 4, 5, 5],
        [2, 2, 2, 2],
      ],
      { group: 2, strides: [2, 2] },
    ),
    conv("depthwise", [["n", 3, 4, 4], [3, 1, 3, 3], [3]], { group: 3, pads: [1, 1, 1, 1] }),
    conv(
      "depthwise, dilated",
      [
        ["n", 2, 5, 5],
        [2, 1, 2, 2],
      ],
      { group: 2, dilations: [2, 2] },
    ),
    conv(
      "depthwise, strides",
      [
        ["n", 2, 5, 5],
        [2, 1, 3, 3],
      ],
      { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] },
    ),
    conv(
      "depthwise, rows of 24",
      [
        [1, 2, 3, 24],
        [2, 1, 2, 3],
      ],
      { group: 2, pads: [0, 1, 1, 1] },
    ),
    conv(
      "depthwise, rows of 48, strides",
      [
        [1, 2, 3, 48],
        [2, 1, 2, 3],
      ],
      { group: 2, strides: [1, 2], pads: [0, 1, 1, 1] },
    ),
    conv("depthwise along one axis", [["n", 2, 6], [2, 1, 3], [2]], { group: 2, pads: [1, 1] }),
    conv(
      "depthwise, strides and dilations",
      [
        ["n", 2, 7, 8],
        [2, 1, 2, 3],
      ],
      { group: 2, strides: [2, 3], dilations: [2, 2], pads: [1, 0, 0, 2] },
    ),
    conv(
      "depthwise, two outputs for each input",
      [
        ["n", 2, 4, 4],
        [4, 1, 3, 3],
      ],
      { group: 2 },
    ),
    conv(
      "depthwise, padded beyond the kernel",
      [
        ["n", 2, 3, 3],
        [2, 1, 1, 1],
      ],
      { group: 2, pads: [1, 1, 1, 1] },
    ),
    conv("no wider than the input", [["n", 3, 4, 4], [2, 3, 3, 2], [2]], { pads: [1, 0, 1, 1] }),
    conv(
      "no wider than the input, dilated",
      [
        ["n", 2, 5, 6],
        [2, 2, 2, 2],
      ],
      { dilations: [2, 3] },
    ),
    conv(
      "wider than the input",
      [
        ["n", 2, 4, 4],
        [3, 2, 3, 3],
      ],
      { pads: [1, 1, 1, 1] },
    ),
    conv(
      "no wider than the input, padded beyond the kernel",
      [
        ["n", 2, 3, 3],
        [2, 2, 1, 1],
      ],
      { pads: [1, 1, 1, 1] },
    ),
    conv("one axis, no wider than the input", [["n", 3, 5], [2, 3, 3], [2]], { pads: [1, 1] }),
    conv("one pixel", [["n", 3, 3, 3], [2, 3, 1, 1], [2]], {}),
    conv(
      "one pixel, strides",
      [
        ["n", 2, 5, 5],
        [2, 2, 1, 1],
      ],
      { strides: [2, 2] },
    ),
    conv(
      "SAME_UPPER",
      [
        ["n", 1, 5, 5],
        [2, 1, 2, 2],
      ],
      { strides: [2, 2], auto_pad: "SAME_UPPER" },
    ),
    conv(
      "SAME_LOWER",
      [
        ["n", 1, 4, 4],
        [2, 1, 2, 2],
      ],
      { auto_pad: "SAME_LOWER" },
    ),
    {
      ...conv(
        "SAME_UPPER, dilated",
        [
          ["n", 1, 5, 4],
          [2, 1, 3, 2],
        ],
        { auto_pad: "SAME_UPPER", dilations: [2, 3] },
      ),
      kernel: false,
    },
    conv(
      "VALID",
      [
        ["n", 1, 4, 4],
        [2, 1, 2, 2],
      ],
      { auto_pad: "VALID" },
    ),
    conv("one axis", [["n", 2, 7], [3, 2, 3], [3]], { pads: [1, 1] }),
    conv(
      "one axis, strides and dilations",
      [
        ["n", 2, 9],
        [2, 2, 3],
      ],
      { strides: [2], dilations: [2] },
    ),
    conv("three axes", [[2, 2, 3, 3, 3], [2, 2, 2, 2, 2], [2]], {}),
    conv("many channels", [["n", 16, 3, 3], [2, 16, 3, 3], [2]], { pads: [1, 1, 1, 1] }),
    conv(
      "many channels, one pixel",
      [
        ["n", 16, 2, 2],
        [3, 16, 1, 1],
      ],
      {},
    ),
    conv(
      "many channels, strides and dilations",
      [
        ["n", 16, 5, 5],
        [2, 16, 2, 2],
      ],
      {
        strides: [2, 1],
        dilations: [1, 2],
        pads: [0, 1, 1, 0],
      },
    ),
    conv(
      "many channels and outputs",
      [
        [1, 32, 2, 2],
        [32, 32, 2, 2],
      ],
      { pads: [1, 0, 0, 1] },
    ),
    conv(
      "many channels and outputs along one axis",
      [
        [1, 32, 3],
        [32, 32, 2],
      ],
      { pads: [1, 0] },
    ),
    conv(
      "some channels, the kernel split",
      [
        ["n", 3, 4, 5],
        [2, 3, 3, 3],
      ],
      { pads: [0, 1, 2, 1], dilations: [1, 2] },
    ),
    conv(
      "more taps than nodes are made for",
      [
        ["n", 1, 8, 8],
        [1, 1, 8, 8],
      ],
      {},
    ),
    conv(
      "many channels along one axis",
      [
        ["n", 16, 5],
        [2, 16, 3],
      ],
      { pads: [1, 1] },
    ),
  ],
  ConvTranspose: [
    transposed("with bias", [["n", 2, 3, 3], [2, 3, 3, 3], [3]], {}),
    transposed(
      "strides and pads",
      [
        ["n", 2, 3, 3],
        [2, 1, 3, 3],
      ],
      { strides: [2, 2], pads: [1, 1, 1, 1] },
    ),
    transposed(
      "output padding",
      [
        ["n", 2, 3, 3],
        [2, 2, 3, 3],
      ],
      {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        output_padding: [1, 1],
      },
    ),
    {
      ...transposed(
        "output padding as wide as the stride",
        [
          ["n", 1, 3, 3],
          [1, 2, 2, 2],
        ],
        { dilations: [2, 2], output_padding: [1, 1] },
      ),
      kernel: false,
    },
    transposed(
      "output shape",
      [
        ["n", 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { strides: [2, 2], output_shape: [6, 5] },
    ),
    transposed(
      "output shape, the odd one at the end",
      [
        ["n", 1, 3, 3],
        [1, 2, 3, 3],
      ],
      { strides: [2, 2], output_shape: [6, 6], auto_pad: "SAME_UPPER" },
    ),
    {
      ...transposed("a larger output shape", [["n", 1, 3], [1, 2, 2], [2]], {
        output_shape: [9],
        strides: [2],
      }),
      kernel: false,
    },
    transposed(
      "SAME_UPPER",
      [
        ["n", 2, 3, 3],
        [2, 1, 3, 3],
      ],
      { strides: [2, 2], auto_pad: "SAME_UPPER" },
    ),
    transposed(
      "SAME_LOWER",
      [
        ["n", 2, 3, 3],
        [2, 1, 3, 4],
      ],
      { strides: [2, 2], auto_pad: "SAME_LOWER" },
    ),
    transposed(
      "VALID",
      [
        ["n", 2, 3, 3],
        [2, 1, 2, 2],
      ],
      { auto_pad: "VALID", kernel_shape: [2, 2] },
    ),
    transposed("depthwise", [["n", 3, 3, 3], [3, 1, 3, 3], [3]], {
      group: 3,
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    transposed("groups and dilations", [["n", 4, 3, 3], [4, 1, 2, 2], [2]], { group: 2, dilations: [2, 1] }),
    transposed(
      "one axis",
      [
        ["n", 2, 4],
        [2, 2, 3],
      ],
      { strides: [2] },
    ),
    transposed(
      "many outputs",
      [
        ["n", 2, 2, 2],
        [2, 16, 2, 2],
      ],
      { strides: [2, 2] },
    ),
  ],
};

function conv(
  name: string,
  inputs: readonly Shape[],
  attributes: GradientCase<"Conv">["attributes"],
): GradientCase<"Conv"> {
  return { name, inputs, sizes: { n: 2 }, attributes, type: "float32" };
}

function transposed(
  name: string,
  inputs: readonly Shape[],
  attributes: GradientCase<"ConvTranspose">["attributes"],
): GradientCase<"ConvTranspose"> {
  return { name, inputs, sizes: { n: 2 }, attributes, type: "float32" };
}
