import type { Value } from "../operator.ts";
import { addBiases, type CellKind, linear } from "./recurrent-layer.ts";

/** Hₜ = f(Xₜ·Wᵀ + Hₜ₋₁·Rᵀ + b) (Elman 1990). */
export const rnnCell: CellKind<readonly [h: Value], "f"> = {
  gates: 1,
  activations: { f: "Tanh" },
  cell: (outer, { recurrence: r, bias, recurrenceBias, activations: { f } }) => ({
    bias: addBiases(outer, bias, recurrenceBias),
    step: (body, x, [h]) => [f(body, linear(body, h, r, x))],
  }),
};
