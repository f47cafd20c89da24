import type { PaddingCompositions } from "../compositions/padding.ts";
import { type GradientCaseTable, integers } from "../gradient-case.ts";

export const paddingCases: GradientCaseTable<keyof PaddingCompositions> = {
  Pad: [
    {
      name: "spatial axes",
      inputs: [["n", 2, 3], integers([0, 0, 1, 0, 0, 2])],
      sizes: { n: 2 },
      attributes: {},
    },
    { name: "negative pads", inputs: [[2, 5], integers([0, -1, 1, 2])], attributes: {} },
    {
      name: "chosen axes, of another value",
      inputs: [["n", 2, 3], integers([1, 2]), { type: "float64", values: [0.5], shape: [] }, integers([-1])],
      sizes: { n: 2 },
      attributes: { mode: "constant" },
    },
    {
      name: "reflected",
      inputs: [["n", 1, 3, 4], integers([0, 0, 1, 2, 0, 0, 2, 3])],
      sizes: { n: 2 },
      attributes: { mode: "reflect" },
    },
    {
      name: "reflected, one side",
      inputs: [[2, 4], integers([0, 0, 0, 2])],
      attributes: { mode: "reflect" },
    },
    {
      name: "edge",
      inputs: [["n", 1, 2, 3], integers([0, 0, 1, 4, 0, 0, 0, 2])],
      sizes: { n: 2 },
      attributes: { mode: "edge" },
    },
    {
      name: "edge of chosen axes, the other cropped",
      inputs: [[2, 3, 5], integers([2, -1, 1, 2]), undefined, integers([1, 2])],
      attributes: { mode: "edge" },
    },
    {
      name: "wrapped",
      inputs: [["n", 4], integers([0, 3, 0, 2])],
      sizes: { n: 2 },
      attributes: { mode: "wrap" },
    },
  ],
};
