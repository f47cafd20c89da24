import { add, mul, sub } from "../arithmetic.ts";
import { addScaled, shrinking, subtract, withDecay } from "./descent.ts";
import type { OptimizerRule } from "./optimizer-rule.ts";
import { share } from "./share.ts";

export interface SgdOptions {
  /** 0 <= x < 1; none when absent. */
  readonly momentum?: number;
  /** Looks ahead by the momentum (Sutskever et al., 2013). */
  readonly nesterov?: boolean;
  /** 0 <= x; none when absent. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent, as PyTorch's without dampening. */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions): OptimizerRule {
  share("momentum", momentum);
  if (momentum === 0) return plain(weightDecay);
  return {
    state: [{ name: "momentum", initial: 0 }],
    isLinear: false,
    // m' = μm + dw, w' = w - ηm', or with Nesterov w' = w - η(dw + μm')
    begin: (g, rate) => (w, gradient, state) => {
      const [m = w] = state;
      const dw = withDecay(g, gradient, w, weightDecay);
      const next = addScaled(g, dw, m, momentum);
      const direction = nesterov ? add(g, dw, mul(g, next, momentum)) : next;
      return { parameter: sub(g, w, mul(g, direction, rate)), state: [next] };
    },
  };
}

/** w' = (1 - ηλ)w - ηdw; η is in dw already */
function plain(weightDecay: number): OptimizerRule {
  return {
    state: [],
    isLinear: true,
    begin: (g, rate) => {
      const shrink = shrinking(g, rate, weightDecay);
      return (w, gradient) => ({ parameter: subtract(g, shrink(w), gradient), state: [] });
    },
  };
}
