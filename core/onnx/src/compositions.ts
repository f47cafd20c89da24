import type { CompositionTable } from "./composition.ts";
import { type ActivationCompositions, activationCompositions } from "./compositions/activation.ts";
import { type MovementCompositions, movementCompositions } from "./compositions/movement.ts";
import { type NormalizationCompositions, normalizationCompositions } from "./compositions/normalization.ts";

export interface CompositionSignatures
  extends ActivationCompositions,
    MovementCompositions,
    NormalizationCompositions {}

export type ComposedOperator = keyof CompositionSignatures;

/** Operators of the standard that are read as compositions of others. */
export const compositions: CompositionTable<CompositionSignatures> = {
  ...activationCompositions,
  ...movementCompositions,
  ...normalizationCompositions,
};

export function isComposed(name: string): name is ComposedOperator {
  return Object.hasOwn(compositions, name);
}
