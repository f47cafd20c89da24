import type { CheckedSignatures, GradientCaseTable } from "./gradient-case.ts";
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
import type { LossName } from "./losses.ts";

/** What every rule is checked on. */
export const gradientCases: GradientCaseTable<keyof CheckedSignatures> = {
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
