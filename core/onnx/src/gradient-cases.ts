import type { CheckedSignatures, GradientCaseTable } from "./gradient-case.ts";
import { attentionCases } from "./gradient-cases/attention.ts";
import { compositionCases } from "./gradient-cases/composition.ts";
import { convolutionCases } from "./gradient-cases/convolution.ts";
import { einsumCases } from "./gradient-cases/einsum.ts";
import { elementwiseCases } from "./gradient-cases/elementwise.ts";
import { indexingCases } from "./gradient-cases/indexing.ts";
import { linearAlgebraCases } from "./gradient-cases/linear-algebra.ts";
import { movementCases } from "./gradient-cases/movement.ts";
import { normalizationCases } from "./gradient-cases/normalization.ts";
import { paddingCases } from "./gradient-cases/padding.ts";
import { poolingCases } from "./gradient-cases/pooling.ts";
import { recurrentCases } from "./gradient-cases/recurrent.ts";
import { reductionCases } from "./gradient-cases/reduction.ts";
import { resizeCases } from "./gradient-cases/resize.ts";
import type { LossName, LossOptions } from "./losses.ts";

/** What every rule is checked on. */
export const gradientCases: GradientCaseTable<keyof CheckedSignatures> = {
  ...attentionCases,
  ...compositionCases,
  ...convolutionCases,
  ...einsumCases,
  ...elementwiseCases,
  ...indexingCases,
  ...linearAlgebraCases,
  ...movementCases,
  ...normalizationCases,
  ...poolingCases,
  ...paddingCases,
  ...recurrentCases,
  ...reductionCases,
  ...resizeCases,
};

/** One batch for a loss whose gradient is checked in the same way. */
export interface LossCase<Name extends LossName> {
  readonly name: string;
  /** Of the model's output, with the batch. */
  readonly output: readonly [batch: number, ...number[]];
  readonly options: LossOptions[Name];
  /** What the first targets are instead of what chance says. */
  readonly labels?: readonly number[];
}

export const lossCases: { readonly [Name in LossName]: readonly [LossCase<Name>, ...LossCase<Name>[]] } = {
  "softmax-cross-entropy": [
    { name: "ten classes", output: [4, 10], options: {} },
    { name: "one example of two", output: [1, 2], options: {} },
    { name: "positions", output: [2, 3, 5], options: {} },
    { name: "classes before positions", output: [2, 4, 3], options: { axis: 1 } },
    { name: "smoothed", output: [3, 4], options: { labelSmoothing: 0.2 } },
    { name: "weighted", output: [4, 3], options: { classWeights: [0.5, 1, 2] } },
    { name: "ignored", output: [4, 3], options: { ignoreIndex: -100 }, labels: [-100] },
    {
      name: "weighted, smoothed, ignored, classes before positions",
      output: [2, 3, 4],
      options: { axis: 1, classWeights: [0.5, 1, 2], labelSmoothing: 0.1, ignoreIndex: 1 },
      labels: [1, 0, 1],
    },
    {
      name: "probabilities, weighted and smoothed",
      output: [3, 4],
      options: { targets: "probabilities", classWeights: [0.5, 1, 2, 1], labelSmoothing: 0.1 },
    },
    {
      name: "probabilities before positions",
      output: [2, 3, 2],
      options: { targets: "probabilities", axis: 1 },
    },
  ],
  "binary-cross-entropy": [
    { name: "a score for each example", output: [5, 1], options: {} },
    { name: "no axis for the score", output: [5], options: {} },
    { name: "several, the positive weighted", output: [3, 4], options: { positiveWeight: 2.5 } },
    { name: "probabilities", output: [3, 2, 2], options: { targets: "probabilities", positiveWeight: 0.5 } },
  ],
  "mean-squared-error": [
    { name: "numbers", output: [3, 2], options: {} },
    { name: "images", output: [2, 1, 2, 3], options: {} },
  ],
  "mean-absolute-error": [{ name: "numbers", output: [3, 2], options: {} }],
  huber: [
    { name: "numbers", output: [4, 3], options: {} },
    { name: "another delta", output: [4, 3], options: { delta: 0.37 } },
  ],
  "kl-divergence": [
    { name: "distributions", output: [3, 4], options: {} },
    { name: "of positions", output: [2, 2, 3], options: {} },
  ],
  cosine: [
    { name: "vectors", output: [3, 4], options: {} },
    { name: "of positions", output: [2, 2, 3], options: {} },
  ],
};
