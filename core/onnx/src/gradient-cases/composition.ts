import type { ActivationCompositions } from "../compositions/activation.ts";
import type { DropoutCompositions } from "../compositions/dropout.ts";
import type { FoldingCompositions } from "../compositions/folding.ts";
import type { MovementCompositions } from "../compositions/movement.ts";
import type { NormalizationCompositions } from "../compositions/normalization.ts";
import { elementTypes } from "../element-type.ts";
import { booleans, type ConstantInput, type GradientCaseTable, integers } from "../gradient-case.ts";

export const compositionCases: GradientCaseTable<
  | keyof ActivationCompositions
  | keyof DropoutCompositions
  | keyof FoldingCompositions
  | keyof MovementCompositions
  | keyof NormalizationCompositions
> = {
  BatchNormalization: [
    {
      name: "images",
      inputs: [["n", 2, 3, 2], [2], [2], numbers(1, 2), numbers(3, 4)],
      sizes: { n: 3 },
      attributes: { epsilon: 0.01, momentum: 0.8 },
    },
    {
      name: "rows",
      inputs: [["n", 3], [3], [3], numbers(0, 0, 0), numbers(1, 1, 1)],
      sizes: { n: 4 },
      attributes: {},
    },
  ],
  Cast: [
    {
      name: "to float64",
      inputs: [["n", 3]],
      sizes: { n: 2 },
      attributes: { to: elementTypes.float64.code, saturate: 1 },
      kernel: false,
      type: "float32",
    },
  ],
  CastLike: [
    {
      name: "to float32",
      inputs: [["n", 3], { type: "float32", values: [0], shape: [] }],
      sizes: { n: 2 },
      attributes: {},
      type: "float32",
    },
    { name: "as it is", inputs: [[3], numbers(0)], attributes: {} },
  ],
  Celu: [
    { name: "a batch", inputs: [["n", 5]], sizes: { n: 2 }, attributes: {}, type: "float32" },
    { name: "alpha", inputs: [[6]], attributes: { alpha: 0.5 }, type: "float32" },
  ],
  Col2Im: [
    {
      name: "images",
      inputs: [["n", 8, 6], integers([3, 4]), integers([2, 2])],
      sizes: { n: 2 },
      attributes: {},
    },
    {
      name: "padded, dilated, in strides",
      inputs: [[2, 6, 9], integers([5, 6]), integers([3, 2])],
      attributes: { dilations: [1, 2], pads: [1, 0, 1, 1], strides: [2, 2] },
    },
    { name: "one axis", inputs: [[1, 4, 5], integers([6]), integers([2])], attributes: {}, kernel: false },
  ],
  DepthToSpace: [
    { name: "by columns", inputs: [["n", 8, 2, 3]], sizes: { n: 2 }, attributes: { blocksize: 2 } },
    { name: "by rows", inputs: [[1, 8, 2, 3]], attributes: { blocksize: 2, mode: "CRD" } },
  ],
  Dropout: [
    { name: "a batch", inputs: [["n", 3]], sizes: { n: 4 }, attributes: {} },
    {
      name: "of two unknown sizes",
      inputs: [["n", "t", 2], share(0.3)],
      sizes: { n: 2, t: 3 },
      attributes: {},
    },
    {
      name: "as PyTorch writes it",
      inputs: [[4, 3], share(0.25), booleans([1], [])],
      attributes: {},
      kernel: false,
    },
    { name: "told not to", inputs: [[4], share(0.5), booleans([0], [])], attributes: {} },
    { name: "of nothing", inputs: [[4], share(0)], attributes: {} },
    { name: "of everything", inputs: [[4], share(1), booleans([1], [])], attributes: {}, kernel: false },
  ],
  Gelu: [
    { name: "exact", inputs: [["n", 5]], sizes: { n: 2 }, attributes: {}, type: "float32" },
    { name: "by tanh", inputs: [["n", 5]], sizes: { n: 2 }, attributes: { approximate: "tanh" } },
  ],
  GroupNormalization: [
    {
      name: "two groups",
      inputs: [["n", 4, 3], [4], [4]],
      sizes: { n: 2 },
      attributes: { num_groups: 2, epsilon: 0.01 },
    },
    {
      name: "scaled by groups, as of operator set 18",
      inputs: [["n", 4, 2, 2], [2], [2]],
      sizes: { n: 2 },
      attributes: { num_groups: 2 },
      kernel: false,
    },
  ],
  HardSwish: [{ name: "a batch", inputs: [["n", 5]], sizes: { n: 2 }, attributes: {}, type: "float32" }],
  InstanceNormalization: [
    { name: "images", inputs: [["n", 2, 3, 2], [2], [2]], sizes: { n: 2 }, attributes: { epsilon: 0.01 } },
  ],
  LayerNormalization: [
    { name: "last axis", inputs: [["n", 2, 4], [4], [4]], sizes: { n: 2 }, attributes: {} },
    {
      name: "two axes, no bias",
      inputs: [
        [2, 3, 2],
        [3, 2],
      ],
      attributes: { axis: 1, epsilon: 0.1 },
    },
  ],
  LpNormalization: [
    { name: "Euclidean", inputs: [["n", 4]], sizes: { n: 2 }, attributes: {} },
    { name: "sum", inputs: [[3, 2]], attributes: { axis: 0, p: 1 } },
  ],
  Max: [
    { name: "two", inputs: [["n", 3], [3]], sizes: { n: 2 }, attributes: {} },
    { name: "three", inputs: [[2, 3], [3], [2, 1]], attributes: {} },
    { name: "one", inputs: [[3]], attributes: {} },
  ],
  Mean: [{ name: "three", inputs: [["n", 3], [3], [1]], sizes: { n: 2 }, attributes: {} }],
  Min: [
    { name: "two", inputs: [["n", 3], [3]], sizes: { n: 2 }, attributes: {} },
    { name: "three", inputs: [[2, 3], [3], [2, 1]], attributes: {} },
  ],
  Mish: [{ name: "a batch", inputs: [["n", 5]], sizes: { n: 2 }, attributes: {}, type: "float32" }],
  RMSNormalization: [
    {
      name: "two axes",
      inputs: [
        ["n", 2, 3],
        [2, 3],
      ],
      sizes: { n: 2 },
      attributes: { axis: 1 },
    },
    { name: "last axis", inputs: [["n", 2, 4], [4]], sizes: { n: 2 }, attributes: { epsilon: 0.01 } },
  ],
  Softsign: [{ name: "a batch", inputs: [["n", 5]], sizes: { n: 2 }, attributes: {} }],
  SpaceToDepth: [{ name: "images", inputs: [["n", 2, 4, 6]], sizes: { n: 2 }, attributes: { blocksize: 2 } }],
  Sum: [{ name: "three", inputs: [["n", 3], [3], []], sizes: { n: 2 }, attributes: {} }],
  ThresholdedRelu: [{ name: "a batch", inputs: [["n", 5]], sizes: { n: 2 }, attributes: { alpha: 0 } }],
  Tile: [
    { name: "two axes", inputs: [[2, 3], integers([2, 3])], attributes: {} },
    {
      name: "one axis of a batch",
      inputs: [["n", 3, 1], integers([1, 1, 2])],
      sizes: { n: 2 },
      attributes: {},
    },
    { name: "nothing", inputs: [["n", 3], integers([1, 1])], sizes: { n: 2 }, attributes: {} },
  ],
  Trilu: [
    { name: "above the diagonal", inputs: [["n", 3, 4]], sizes: { n: 2 }, attributes: {} },
    { name: "below one next to it", inputs: [[3, 3], integers([-1], [])], attributes: { upper: 0 } },
  ],
};

function numbers(...values: readonly number[]): ConstantInput {
  return { type: "float64", values, shape: [values.length] };
}

function share(value: number): ConstantInput {
  return { type: "float32", values: [value], shape: [] };
}
