import { add } from "../arithmetic.ts";
import { transpose } from "../gradient-families.ts";
import type { Value } from "../operator.ts";
import { addBiases, type CellKind } from "./recurrent-layer.ts";

/** Hₜ = f(Xₜ·Wᵀ + Hₜ₋₁·Rᵀ + b) (Elman 1990). */
export const rnnCell: CellKind<readonly [h: Value], "f"> = {
  gates: 1,
  activations: { f: "Tanh" },
  cell: (outer, { recurrence, bias, recurrenceBias, activations: { f } }) => {
    const r = transpose(outer, recurrence, [1, 0]);
    return {
      bias: addBiases(outer, bias, recurrenceBias),
      step: (body, x, [h]) => [f(body, add(body, x, body.node("MatMul", [h, r], {})))],
    };
  },
};
