import { add, mul, sub } from "../arithmetic.ts";
import { transpose } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Flag, Value } from "../operator.ts";
import { addBiases, type Cell, type CellKind, type CellWeights, parts } from "./recurrent-layer.ts";

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
  outer: GraphBuilder,
  { recurrence, bias, recurrenceBias, activations: { f, g } }: CellWeights<"f" | "g">,
): Cell<readonly [h: Value]> {
  const r = transpose(outer, recurrence, [1, 0]);
  return {
    bias,
    step: (body, x, [h]) => {
      const product = body.node("MatMul", [h, r], {});
      const linear = recurrenceBias === undefined ? product : add(body, product, recurrenceBias);
      const [xz, xr, xh] = parts(body, x, 3);
      const [hz, hr, hh] = parts(body, linear, 3);
      const reset = f(body, add(body, xr, hr));
      return [update(body, f(body, add(body, xz, hz)), g(body, add(body, xh, mul(body, reset, hh))), h)];
    },
  };
}

function resetFirst(
  outer: GraphBuilder,
  { recurrence, bias, recurrenceBias, activations: { f, g } }: CellWeights<"f" | "g">,
): Cell<readonly [h: Value]> {
  const [rz, rr, rh] = parts(outer, transpose(outer, recurrence, [1, 0]), 3);
  return {
    bias: addBiases(outer, bias, recurrenceBias),
    step: (body, x, [h]) => {
      const linear = (a: Value, w: Value, b: Value): Value => add(body, b, body.node("MatMul", [a, w], {}));
      const [xz, xr, xh] = parts(body, x, 3);
      const reset = f(body, linear(h, rr, xr));
      return [update(body, f(body, linear(h, rz, xz)), g(body, linear(mul(body, reset, h), rh, xh)), h)];
    },
  };
}

/** (1 - z)⊙h̃ + z⊙h = h̃ + z⊙(h - h̃). */
function update(g: GraphBuilder, z: Value, candidate: Value, h: Value): Value {
  return add(g, candidate, mul(g, z, sub(g, h, candidate)));
}
