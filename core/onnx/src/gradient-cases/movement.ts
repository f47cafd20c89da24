import { type GradientCaseTable, integers } from "../gradient-case.ts";
import type { MovementSignatures } from "../operators/movement.ts";

export const movementCases: GradientCaseTable<Exclude<keyof MovementSignatures, "Pad" | "Resize">> = {
  Concat: [
    {
      name: "two along the last axis",
      inputs: [
        ["n", 2],
        ["n", 3],
      ],
      sizes: { n: 2 },
      attributes: { axis: -1 },
    },
    {
      name: "three along the first",
      inputs: [
        [1, 2],
        [2, 2],
        [1, 2],
      ],
      attributes: { axis: 0 },
    },
  ],
  Expand: [
    { name: "new and old axes", inputs: [[3, 1], integers([2, 3, 4])], attributes: {} },
    { name: "a batch", inputs: [["n", 1], integers([1, 3])], sizes: { n: 2 }, attributes: {} },
  ],
  Flatten: [
    { name: "images", inputs: [["n", 2, 3]], sizes: { n: 4 }, attributes: {} },
    { name: "axis 0", inputs: [[2, 3]], attributes: { axis: 0 } },
    { name: "axis 2", inputs: [[2, 3, 4]], attributes: { axis: 2 } },
    { name: "axis from the end", inputs: [[2, 3, 4]], attributes: { axis: -1 } },
    { name: "two unknown sizes", inputs: [["n", "t", 3]], sizes: { n: 2, t: 3 }, attributes: { axis: 2 } },
  ],
  Reshape: [
    {
      name: "flatten by zero and minus one",
      inputs: [["n", 2, 3], integers([0, -1])],
      sizes: { n: 4 },
      attributes: {},
    },
    { name: "batch by minus one", inputs: [["n", 6], integers([-1, 2, 3])], sizes: { n: 4 }, attributes: {} },
    { name: "fixed", inputs: [[2, 6], integers([3, 4])], attributes: { allowzero: 1 } },
    {
      name: "two unknown sizes",
      inputs: [["n", "t", 4], integers([0, 0, 2, 2])],
      sizes: { n: 2, t: 3 },
      attributes: {},
    },
  ],
  Slice: [
    {
      name: "one axis",
      inputs: [["n", 5], integers([1]), integers([4]), integers([1])],
      sizes: { n: 2 },
      attributes: {},
    },
    { name: "two axes from the end", inputs: [[4, 5], integers([-3, 0]), integers([-1, 9])], attributes: {} },
    {
      name: "all of an axis backwards",
      inputs: [["n", 4], integers([-1]), integers([-(2 ** 62)]), integers([1]), integers([-1])],
      sizes: { n: 2 },
      attributes: {},
    },
    {
      name: "steps, one of them backwards",
      inputs: [[5, 6], integers([4, 1]), integers([-9, 6]), integers([0, 1]), integers([-2, 3])],
      attributes: {},
    },
  ],
  Split: [
    { name: "in sizes", inputs: [["n", 5], integers([2, 3])], sizes: { n: 2 }, attributes: { axis: 1 } },
    { name: "evenly, the last smaller", inputs: [[5, 2]], attributes: { num_outputs: 3 } },
    {
      name: "of which one is used",
      inputs: [["n", 6]],
      sizes: { n: 2 },
      attributes: { axis: 1, num_outputs: 3 },
      outputs: [1],
    },
  ],
  Squeeze: [
    { name: "one axis", inputs: [["n", 1, 3], integers([1])], sizes: { n: 2 }, attributes: {} },
    { name: "all there are", inputs: [[1, 3, 1]], attributes: {} },
  ],
  Transpose: [
    { name: "rotated", inputs: [["n", 2, 3]], sizes: { n: 2 }, attributes: { perm: [2, 0, 1] } },
    { name: "reversed", inputs: [[2, 3, 4]], attributes: {} },
  ],
  Unsqueeze: [{ name: "two axes", inputs: [["n", 3], integers([1, -1])], sizes: { n: 2 }, attributes: {} }],
};
