import type { TrainableOperator } from "./gradient-rules.ts";
import type { LossName } from "./losses.ts";
import type { AttributesOf } from "./operators.ts";
import type { Shape } from "./shape.ts";

/**
 * One use of an operator whose rule is checked against central differences in
 * float64. A rule without a case does not compile.
 */
export interface GradientCase<Op extends TrainableOperator> {
  readonly name: string;
  /**
   * Shapes of the float64 inputs; a name stands for the size in `sizes`, and is
   * a name in the graph as well.
   */
  readonly inputs: readonly Shape[];
  readonly sizes?: Readonly<Record<string, number>>;
  /** An int64 input that follows the float ones and has no gradient, such as the shape of a Reshape. */
  readonly integers?: readonly number[];
  readonly attributes: AttributesOf<Op>;
}

export const gradientCases: {
  readonly [Op in TrainableOperator]: readonly [GradientCase<Op>, ...GradientCase<Op>[]];
} = {
  Add: [
    {
      name: "same shape",
      inputs: [
        [2, 3],
        [2, 3],
      ],
      attributes: {},
    },
    { name: "bias over a batch", inputs: [["n", 3], [3]], sizes: { n: 4 }, attributes: {} },
    {
      name: "both broadcast",
      inputs: [
        [2, 1, 3],
        [4, 1],
      ],
      attributes: {},
    },
    { name: "scalar", inputs: [[2, 3], []], attributes: {} },
    {
      name: "one for one",
      inputs: [
        [1, 3],
        [1, 1],
      ],
      attributes: {},
    },
    {
      name: "two unknown sizes",
      inputs: [
        ["n", "t", 3],
        [1, 1, 3],
      ],
      sizes: { n: 2, t: 3 },
      attributes: {},
    },
  ],
  Flatten: [
    { name: "images", inputs: [["n", 2, 3]], sizes: { n: 4 }, attributes: {} },
    { name: "axis 0", inputs: [[2, 3]], attributes: { axis: 0 } },
    { name: "axis 2", inputs: [[2, 3, 4]], attributes: { axis: 2 } },
    { name: "axis from the end", inputs: [[2, 3, 4]], attributes: { axis: -1 } },
    { name: "two unknown sizes", inputs: [["n", "t", 3]], sizes: { n: 2, t: 3 }, attributes: { axis: 2 } },
  ],
  Gemm: [
    {
      name: "no bias",
      inputs: [
        ["n", 4],
        [4, 3],
      ],
      sizes: { n: 2 },
      attributes: {},
    },
    { name: "bias", inputs: [["n", 4], [4, 3], [3]], sizes: { n: 2 }, attributes: {} },
    {
      name: "weight as rows of outputs",
      inputs: [["n", 4], [3, 4], [3]],
      sizes: { n: 2 },
      attributes: { transB: 1 },
    },
    {
      name: "transposed a",
      inputs: [
        [4, 2],
        [4, 3],
        [2, 3],
      ],
      attributes: { transA: 1 },
    },
    {
      name: "both transposed",
      inputs: [
        [4, 2],
        [3, 4],
        [1, 3],
      ],
      attributes: { transA: 1, transB: 1 },
    },
    {
      name: "alpha and beta",
      inputs: [
        [2, 4],
        [4, 3],
        [2, 1],
      ],
      attributes: { alpha: 0.5, beta: -2 },
    },
    {
      name: "all at once",
      inputs: [[4, 2], [3, 4], []],
      attributes: { alpha: -1.5, beta: 0.25, transA: 1, transB: 1 },
    },
  ],
  MatMul: [
    {
      name: "matrices",
      inputs: [
        ["n", 4],
        [4, 3],
      ],
      sizes: { n: 2 },
      attributes: {},
    },
    {
      name: "weight shared by a batch",
      inputs: [
        ["n", 2, 4],
        [4, 3],
      ],
      sizes: { n: 3 },
      attributes: {},
    },
    {
      name: "batch of both",
      inputs: [
        ["n", 2, 4],
        ["n", 4, 3],
      ],
      sizes: { n: 3 },
      attributes: {},
    },
    {
      name: "broadcast batch",
      inputs: [
        [2, 1, 2, 4],
        [3, 4, 3],
      ],
      attributes: {},
    },
    {
      name: "shared on the left",
      inputs: [
        [2, 4],
        [3, 4, 3],
      ],
      attributes: {},
    },
    { name: "vector times vector", inputs: [[4], [4]], attributes: {} },
    { name: "vector times matrix", inputs: [[4], [4, 3]], attributes: {} },
    { name: "matrix times vector", inputs: [["n", 4], [4]], sizes: { n: 2 }, attributes: {} },
    { name: "batch times vector", inputs: [["n", "t", 4], [4]], sizes: { n: 2, t: 3 }, attributes: {} },
    { name: "vector times batch", inputs: [[4], [3, 4, 2]], attributes: {} },
  ],
  Relu: [{ name: "both signs", inputs: [["n", 7]], sizes: { n: 3 }, attributes: {} }],
  Reshape: [
    {
      name: "flatten by zero and minus one",
      inputs: [["n", 2, 3]],
      sizes: { n: 4 },
      integers: [0, -1],
      attributes: {},
    },
    { name: "batch by minus one", inputs: [["n", 6]], sizes: { n: 4 }, integers: [-1, 2, 3], attributes: {} },
    { name: "fixed", inputs: [[2, 6]], integers: [3, 4], attributes: {} },
    {
      name: "two unknown sizes",
      inputs: [["n", "t", 4]],
      sizes: { n: 2, t: 3 },
      integers: [0, 0, 2, 2],
      attributes: {},
    },
  ],
};

/** One batch for a loss whose gradient is checked in the same way. */
export interface LossCase {
  readonly name: string;
  readonly batch: number;
  readonly classes: number;
}

export const lossCases: { readonly [Name in LossName]: readonly [LossCase, ...LossCase[]] } = {
  "softmax-cross-entropy": [
    { name: "ten classes", batch: 4, classes: 10 },
    { name: "one example of two", batch: 1, classes: 2 },
  ],
};
