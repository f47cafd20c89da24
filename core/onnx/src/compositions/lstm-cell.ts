import { add, mul } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { addBiases, type CellKind, linear, parts } from "./recurrent-layer.ts";

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997; peepholes P: Gers and
 * Schmidhuber 2000) as ONNX has it, whose weights are of i, o, f, and c̃:
 *
 *     i = f(Xₜ·Wᵢᵀ + Hₜ₋₁·Rᵢᵀ + Pᵢ⊙Cₜ₋₁ + bᵢ)
 *     f = f(Xₜ·Wfᵀ + Hₜ₋₁·Rfᵀ + Pf⊙Cₜ₋₁ + bf)
 *     Cₜ = f⊙Cₜ₋₁ + i⊙g(Xₜ·Wcᵀ + Hₜ₋₁·Rcᵀ + bc)
 *     o = f(Xₜ·Wₒᵀ + Hₜ₋₁·Rₒᵀ + Pₒ⊙Cₜ + bₒ)
 *     Hₜ = o⊙h(Cₜ)
 */
export const lstmCell: CellKind<readonly [h: Value, c: Value], "f" | "g" | "h"> = {
  gates: 4,
  activations: { f: "Sigmoid", g: "Tanh", h: "Tanh" },
  cell: (outer, { recurrence: r, bias, recurrenceBias, peepholes, activations: { f, g, h } }) => {
    const [pi, po, pf] = peepholes === undefined ? [] : parts(outer, peepholes, 3);
    return {
      bias: addBiases(outer, bias, recurrenceBias),
      step: (body, x, [before, cell]) => {
        const [i, o, forget, c] = parts(body, linear(body, before, r, x), 4);
        const kept = mul(body, f(body, peep(body, forget, pf, cell)), cell);
        const next = add(body, kept, mul(body, f(body, peep(body, i, pi, cell)), g(body, c)));
        return [mul(body, f(body, peep(body, o, po, next)), h(body, next)), next];
      },
    };
  },
};

/** z + P⊙C. */
function peep(g: GraphBuilder, z: Value, p: Value | undefined, c: Value): Value {
  return p === undefined ? z : add(g, z, mul(g, c, p));
}
