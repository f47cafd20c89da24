import type { CompositionTable } from "./composition.ts";
import { type ActivationCompositions, activationCompositions } from "./compositions/activation.ts";
import { type AttentionCompositions, attentionCompositions } from "./compositions/attention.ts";
import { type ConvolutionCompositions, convolutionCompositions } from "./compositions/convolution.ts";
import { type DropoutCompositions, dropoutCompositions } from "./compositions/dropout.ts";
import { type FoldingCompositions, foldingCompositions } from "./compositions/folding.ts";
import { type LinearAlgebraCompositions, linearAlgebraCompositions } from "./compositions/linear-algebra.ts";
import { type MovementCompositions, movementCompositions } from "./compositions/movement.ts";
import { type NormalizationCompositions, normalizationCompositions } from "./compositions/normalization.ts";
import { type PaddingCompositions, paddingCompositions } from "./compositions/padding.ts";
import { type PoolingCompositions, poolingCompositions } from "./compositions/pooling.ts";
import { type RecurrentCompositions, recurrentCompositions } from "./compositions/recurrent.ts";
import { type ResizeCompositions, resizeCompositions } from "./compositions/resize.ts";

export interface CompositionSignatures
  extends ActivationCompositions,
    AttentionCompositions,
    ConvolutionCompositions,
    DropoutCompositions,
    FoldingCompositions,
    LinearAlgebraCompositions,
    MovementCompositions,
    NormalizationCompositions,
    PaddingCompositions,
    PoolingCompositions,
    ResizeCompositions,
    RecurrentCompositions {}

export type ComposedOperator = keyof CompositionSignatures;

/** Operators of the standard that are read as compositions of others. */
export const compositions: CompositionTable<CompositionSignatures> = {
  ...activationCompositions,
  ...attentionCompositions,
  ...convolutionCompositions,
  ...dropoutCompositions,
  ...foldingCompositions,
  ...linearAlgebraCompositions,
  ...movementCompositions,
  ...normalizationCompositions,
  ...paddingCompositions,
  ...poolingCompositions,
  ...resizeCompositions,
  ...recurrentCompositions,
};

export function isComposed(name: string): name is ComposedOperator {
  return Object.hasOwn(compositions, name);
}
