import { type GradientCaseTable, integers } from "../gradient-case.ts";
import type { LinearAlgebraSignatures } from "../operators/linear-algebra.ts";

export const linearAlgebraCases: GradientCaseTable<keyof LinearAlgebraSignatures> = {
  CumSum: [
    { name: "last axis of a batch", inputs: [["n", 3], integers([-1], [])], sizes: { n: 2 }, attributes: {} },
    { name: "exclusive", inputs: [[3, 2], integers([0], [])], attributes: { exclusive: 1 } },
    { name: "from the end", inputs: [[2, 4], integers([1])], attributes: { reverse: 1 } },
    {
      name: "exclusive, from the end",
      inputs: [[2, 4], integers([1])],
      attributes: { exclusive: 1, reverse: 1 },
    },
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
};
