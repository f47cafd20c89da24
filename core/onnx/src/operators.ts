import type { OperatorTable } from "./operator.ts";
import { type ConvolutionSignatures, convolutionOperators } from "./operators/convolution.ts";
import { type DiscreteSignatures, discreteOperators } from "./operators/discrete.ts";
import { type ElementwiseSignatures, elementwiseOperators } from "./operators/elementwise.ts";
import { type IndexingSignatures, indexingOperators } from "./operators/indexing.ts";
import { type LinearAlgebraSignatures, linearAlgebraOperators } from "./operators/linear-algebra.ts";
import { type MovementSignatures, movementOperators } from "./operators/movement.ts";
import { type NormalizationSignatures, normalizationOperators } from "./operators/normalization.ts";
import { type PoolingSignatures, poolingOperators } from "./operators/pooling.ts";
import { type ReductionSignatures, reductionOperators } from "./operators/reduction.ts";

/** Operators that a gradient goes through: each has a rule in gradients/ and a case in gradient-cases/. */
export interface DifferentiableSignatures
  extends ConvolutionSignatures,
    ElementwiseSignatures,
    IndexingSignatures,
    LinearAlgebraSignatures,
    MovementSignatures,
    NormalizationSignatures,
    PoolingSignatures,
    ReductionSignatures {}

/**
 * Inputs and attributes of every operator that we read or emit, by its name in
 * the standard (opset 18). To add one: a line in the signatures of its family,
 * its entry in the table there, its rule in gradients/, its cases in gradient-cases/;
 * the compiler asks for each.
 */
export interface Signatures extends DifferentiableSignatures, DiscreteSignatures {}

export type Operator = keyof Signatures;
export type DifferentiableOperator = keyof DifferentiableSignatures;
export type InputsOf<Op extends Operator> = Signatures[Op]["inputs"];
export type AttributesOf<Op extends Operator> = Readonly<Signatures[Op]["attributes"]>;

export const operators: OperatorTable<Signatures> = {
  ...convolutionOperators,
  ...discreteOperators,
  ...elementwiseOperators,
  ...indexingOperators,
  ...linearAlgebraOperators,
  ...movementOperators,
  ...normalizationOperators,
  ...poolingOperators,
  ...reductionOperators,
};

export function isOperator(name: string): name is Operator {
  return Object.hasOwn(operators, name);
}
