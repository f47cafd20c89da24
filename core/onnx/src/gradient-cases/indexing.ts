import { type GradientCaseTable, integers } from "../gradient-case.ts";
import type { IndexingSignatures } from "../operators/indexing.ts";

const reductions = ["mul", "min", "max"] as const;

export const indexingCases: GradientCaseTable<keyof IndexingSignatures> = {
  Gather: [
    { name: "rows, one of them twice", inputs: [[4, 3], integers([2, 0, 2])], attributes: {} },
    { name: "a table of rows", inputs: [[4, 3], integers([3, 1, 0, 3], [2, 2])], attributes: {} },
    {
      name: "inner axis of a batch",
      inputs: [["n", 4, 2], integers([1, -1])],
      sizes: { n: 2 },
      attributes: { axis: 1 },
    },
    { name: "one row", inputs: [["n", 4, 2], integers([2], [])], sizes: { n: 2 }, attributes: { axis: -2 } },
  ],
  GatherElements: [
    {
      name: "columns, one of them twice",
      inputs: [[2, 3], integers([2, 2, 0, 1], [2, 2])],
      attributes: { axis: 1 },
    },
  ],
  GatherND: [
    { name: "elements", inputs: [[2, 3], integers([1, 2, 0, 0, 1, 2], [3, 2])], attributes: {} },
    { name: "rows", inputs: [[3, 2], integers([2, 0, 2], [3, 1])], attributes: {} },
    {
      name: "an element of each row, one of them twice",
      inputs: [[2, 3], integers([2, 2, 0, 1], [2, 2, 1])],
      attributes: { batch_dims: 1 },
    },
    {
      name: "two axes in common",
      inputs: [[2, 2, 3, 2], integers([1, 0, 2, 2], [2, 2, 1])],
      attributes: { batch_dims: 2 },
    },
  ],
  ReverseSequence: [
    {
      name: "of different lengths",
      inputs: [["t", 3, 2], integers([2, 3, 1])],
      sizes: { t: 3 },
      attributes: {},
    },
    {
      name: "the batch first",
      inputs: [[2, 3], integers([3, 2])],
      attributes: { batch_axis: 0, time_axis: 1 },
    },
  ],
  ScatterElements: [
    { name: "replaced", inputs: [[2, 3], integers([2, 0, 1, 2], [2, 2]), [2, 2]], attributes: { axis: 1 } },
    {
      name: "added",
      inputs: [[2, 3], integers([2, 2, 1, 2], [2, 2]), [2, 2]],
      attributes: { axis: 1, reduction: "add" },
    },
    ...reductions.map((reduction) => ({
      name: `${reduction}, some of several at one place`,
      inputs: [[2, 3], integers([2, 2, 1, 0], [2, 2]), [2, 2]],
      attributes: { axis: 1, reduction },
      at: "distinct" as const,
    })),
    {
      name: "multiplied, zeros among them",
      inputs: [[3], integers([0, 0, 1, 1, 0]), [5]],
      attributes: { reduction: "mul" },
      at: "zeros",
    },
  ],
  ScatterND: [
    { name: "rows replaced", inputs: [[4, 2], integers([3, 1], [2, 1]), [2, 2]], attributes: {} },
    {
      name: "rows added",
      inputs: [[4, 2], integers([3, 3], [2, 1]), [2, 2]],
      attributes: { reduction: "add" },
    },
    ...reductions.map((reduction) => ({
      name: `${reduction}, some of several at one place`,
      inputs: [[4, 2], integers([3, 3, 1], [3, 1]), [3, 2]],
      attributes: { reduction },
      at: "distinct" as const,
    })),
  ],
  TopK: [
    {
      name: "the largest of a batch",
      inputs: [["n", 5], integers([2])],
      sizes: { n: 3 },
      attributes: {},
      at: "distinct",
    },
    {
      name: "the smallest along another axis, in any order",
      inputs: [[4, 2, 2], integers([3])],
      attributes: { axis: 0, largest: 0, sorted: 0 },
      at: "distinct",
    },
    { name: "all", inputs: [[2, 3], integers([3])], attributes: { axis: 1, sorted: 1 }, at: "distinct" },
  ],
};
