import type { GradientCaseTable } from "../gradient-case.ts";
import type { NormalizationSignatures } from "../operators/normalization.ts";

/** Of batch normalization the composition is checked, which goes through its rule. */
export const normalizationCases: GradientCaseTable<
  Exclude<keyof NormalizationSignatures, "BatchNormalization">
> = {
  LogSoftmax: [
    { name: "a batch", inputs: [["n", 5]], sizes: { n: 3 }, attributes: {} },
    { name: "inner axis", inputs: [[2, 3, 2]], attributes: { axis: 1 } },
  ],
  Softmax: [
    { name: "a batch", inputs: [["n", 5]], sizes: { n: 3 }, attributes: {} },
    { name: "inner axis", inputs: [[2, 3, 2]], attributes: { axis: 1 } },
  ],
};
