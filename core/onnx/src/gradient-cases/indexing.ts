import { type GradientCaseTable, integers } from "../gradient-case.ts";
import type { IndexingSignatures } from "../operators/indexing.ts";

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
  ],
  ScatterND: [
    { name: "rows replaced", inputs: [[4, 2], integers([3, 1], [2, 1]), [2, 2]], attributes: {} },
    {
      name: "rows added",
      inputs: [[4, 2], integers([3, 3], [2, 1]), [2, 2]],
      attributes: { reduction: "add" },
    },
  ],
};
