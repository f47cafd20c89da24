import { add, cast, div, mul, square, sub } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { shrinking, withDecay } from "./descent.ts";
import type { OptimizerRule } from "./optimizer-rule.ts";
import { share } from "./share.ts";

export interface AdamOptions {
  /** 0 <= x < 1; 0.9 when absent. */
  readonly beta1?: number;
  /** 0 <= x < 1; 0.999 when absent. */
  readonly beta2?: number;
  /** 1e-8 when absent. */
  readonly epsilon?: number;
  /** 0 <= x; none when absent, of AdamW 0.01. */
  readonly weightDecay?: number;
}

/** Adam (Kingma and Ba, 2015); weight decay is part of the gradient. */
export function adam({ weightDecay = 0, ...options }: AdamOptions): OptimizerRule {
  return rule({ ...options, weightDecay }, false);
}

/** Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019). */
export function adamW({ weightDecay = 0.01, ...options }: AdamOptions): OptimizerRule {
  return rule({ ...options, weightDecay }, true);
}

/**
 * m' = β₁m + (1-β₁)dw, v' = β₂v + (1-β₂)dw², w' = w - η m̂/(√v̂ + ε), where
 * m̂ = m'/(1-β₁ᵗ) and v̂ = v'/(1-β₂ᵗ). What is kept is m/(1-β₁) and v/(1-β₂):
 * then all constants meet in two scalars, and parameters are gone over less often.
 */
function rule(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay }: AdamOptions & { readonly weightDecay: number },
  isDecoupled: boolean,
): OptimizerRule {
  share("beta1", beta1);
  share("beta2", beta2);
  return {
    state: [
      { name: "first_moment", initial: 0 },
      { name: "second_moment", initial: 0 },
    ],
    isLinear: false,
    begin: (g, rate, count) => {
      const second = g.node("Sqrt", [correction(g, beta2, count)], {});
      const ratio = div(g, correction(g, beta1, count), second);
      const size = mul(g, rate, cast(g, ratio, rate.type));
      const offset = cast(g, div(g, g.scalar(epsilon, count.type), second), rate.type);
      const shrink = shrinking(g, rate, isDecoupled ? weightDecay : 0);
      return (w, gradient, state) => {
        const [m = w, v = w] = state;
        const dw = withDecay(g, gradient, w, isDecoupled ? 0 : weightDecay);
        const first = add(g, mul(g, m, beta1), dw);
        const squares = add(g, mul(g, v, beta2), square(g, dw));
        const direction = div(g, first, add(g, g.node("Sqrt", [squares], {}), offset));
        return { parameter: sub(g, shrink(w), mul(g, direction, size)), state: [first, squares] };
      };
    },
  };
}

/** (1 - β)/(1 - βᵗ), in the precision of t: in float32 1 - 0.999 has lost four digits. */
function correction(g: GraphBuilder, beta: number, count: Value): Value {
  const power = g.node("Pow", [g.scalar(beta, count.type), count], {});
  return div(g, g.scalar(1 - beta, count.type), sub(g, 1, power));
}
