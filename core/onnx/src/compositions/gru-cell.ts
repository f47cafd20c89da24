import { add, mul, sub } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Flag, Value } from "../operator.ts";
import { addBiases, type Cell, type CellKind, type CellWeights, linear, parts } from "./recurrent-layer.ts";

/**
 * Gated recurrent unit (Cho et al. 2014) as ONNX has it, whose weights are of z, r, and h̃:
 *
 *     z = f(Xₜ·Wzᵀ + Hₜ₋₁·Rzᵀ + bz)
 *     r = f(Xₜ·Wrᵀ + Hₜ₋₁·Rrᵀ + br)
 *     h̃ = g(Xₜ·Whᵀ + (r⊙Hₜ₋₁)·Rhᵀ + bh), or with the linear part before the reset, as
 *         PyTorch and cuDNN have it, g(Xₜ·Whᵀ + r⊙(Hₜ₋₁·Rhᵀ + Rbh) + Wbh)
 *     Hₜ = (1 - z)⊙h̃ + z⊙Hₜ₋₁
 */
export function gruCell(linearBeforeReset: Flag): CellKind<readonly [h: Value], "f" | "g"> {
  return {
    gates: 3,
    activations: { f: "Sigmoid", g: "Tanh" },
    cell: linearBeforeReset ? linearFirst : resetFirst,
  };
}

function linearFirst(
  _: GraphBuilder,
  { recurrence: r, bias, recurrenceBias, activations: { f, g } }: CellWeights<"f" | "g">,
): Cell<readonly [h: Value]> {
  return {
    bias,
    step: (body, x, [h]) => {
      const [xz, xr, xh] = parts(body, x, 3);
      const [hz, hr, hh] = parts(body, linear(body, h, r, recurrenceBias), 3);
      const reset = f(body, add(body, xr, hr));
      return [update(body, f(body, add(body, xz, hz)), g(body, add(body, xh, mul(body, reset, hh))), h)];
    },
  };
}

function resetFirst(
  outer: GraphBuilder,
  { recurrence, bias, recurrenceBias, activations: { f, g } }: CellWeights<"f" | "g">,
): Cell<readonly [h: Value]> {
  const [rz, rr, rh] = parts(outer, recurrence, 3, 0);
  return {
    bias: addBiases(outer, bias, recurrenceBias),
    step: (body, x, [h]) => {
      const [xz, xr, xh] = parts(body, x, 3);
      const reset = f(body, linear(body, h, rr, xr));
      const candidate = g(body, linear(body, mul(body, reset, h), rh, xh));
      return [update(body, f(body, linear(body, h, rz, xz)), candidate, h)];
    },
  };
}

/** (1 - z)⊙h̃ + z⊙h = h̃ + z⊙(h - h̃). */
function update(g: GraphBuilder, z: Value, candidate: Value, h: Value): Value {
  return add(g, candidate, mul(g, z, sub(g, h, candidate)));
}
