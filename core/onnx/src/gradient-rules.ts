import type { GradientTable, Partial } from "./gradient-rule.ts";
import { convolutionGradients } from "./gradients/convolution.ts";
import { elementwiseGradients } from "./gradients/elementwise.ts";
import { indexingGradients } from "./gradients/indexing.ts";
import { linearAlgebraGradients } from "./gradients/linear-algebra.ts";
import { movementGradients } from "./gradients/movement.ts";
import { normalizationGradients } from "./gradients/normalization.ts";
import { poolingGradients } from "./gradients/pooling.ts";
import { reductionGradients } from "./gradients/reduction.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import type { DifferentiableOperator } from "./operators.ts";
import type { TapeNode } from "./tape.ts";

/**
 * The rules, one per operator: a missing one does not compile. Each is checked
 * against finite differences (gradient-cases.ts).
 */
const gradientRules: GradientTable<DifferentiableOperator> = {
  ...convolutionGradients,
  ...elementwiseGradients,
  ...indexingGradients,
  ...linearAlgebraGradients,
  ...movementGradients,
  ...normalizationGradients,
  ...poolingGradients,
  ...reductionGradients,
};

/** What the rule of an operator gives. */
export function partialsOf<Op extends DifferentiableOperator>(
  graph: GraphBuilder,
  op: Op,
  node: TapeNode<Op>,
  dy: Value,
  dys: readonly (Value | undefined)[],
): readonly (Partial | undefined)[] {
  return gradientRules[op](graph, node, dy, dys);
}

export function isDifferentiable(op: string): op is DifferentiableOperator {
  return Object.hasOwn(gradientRules, op);
}
