import type { CompositionTable } from "../composition.ts";
import { einsum } from "../einsum.ts";
import { matMul } from "../gradient-families.ts";
import type { None, Value } from "../operator.ts";

export interface LinearAlgebraCompositions {
  Einsum: {
    inputs: readonly [first: Value, ...rest: Value[]];
    attributes: { equation: string };
  };
  MatMul: { inputs: readonly [a: Value, b: Value]; attributes: None };
}

export const linearAlgebraCompositions: CompositionTable<LinearAlgebraCompositions> = {
  // products and sums of two at a time
  Einsum: {
    arity: [1, 1_024],
    required: ["equation"],
    attributes: { equation: "string" },
    compose: (g, operands, { equation }) => einsum(g, equation, operands),
  },

  // vectors count as matrices
  MatMul: { arity: [2, 2], attributes: {}, compose: (g, [a, b]) => matMul(g, a, b) },
};
