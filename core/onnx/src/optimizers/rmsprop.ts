import { add, div, mul, square, sub } from "../arithmetic.ts";
import { addScaled, withDecay } from "./descent.ts";
import type { OptimizerRule } from "./optimizer-rule.ts";
import { share } from "./share.ts";

export interface RmsPropOptions {
  /** Of the mean of squares, 0 <= x < 1; 0.99 when absent. */
  readonly smoothing?: number;
  /** 1e-8 when absent. */
  readonly epsilon?: number;
  /** 0 <= x < 1; none when absent. */
  readonly momentum?: number;
  /** Divides by the deviation instead of the root of the mean square. */
  readonly centered?: boolean;
  /** 0 <= x; none when absent. */
  readonly weightDecay?: number;
}

/**
 * RMSprop (Hinton, 2012), as PyTorch's: v' = αv + (1-α)dw², w' = w - η dw/(√v' + ε);
 * centered v' is less the square of a' = αa + (1-α)dw; with momentum
 * m' = μm + dw/(√v' + ε), w' = w - ηm'. What is kept is v/(1-α), a/(1-α), m√(1-α).
 */
export function rmsProp({
  smoothing = 0.99,
  epsilon = 1e-8,
  momentum = 0,
  centered = false,
  weightDecay = 0,
}: RmsPropOptions): OptimizerRule {
  share("smoothing", smoothing);
  share("momentum", momentum);
  const rest = 1 - smoothing;
  const slots = ["mean_square", ...(centered ? ["mean"] : []), ...(momentum > 0 ? ["momentum"] : [])];
  return {
    state: slots.map((name) => ({ name, initial: 0 })),
    isLinear: false,
    begin: (g, rate) => {
      const size = mul(g, rate, 1 / Math.sqrt(rest));
      return (w, gradient, state) => {
        const kept = new Map(slots.map((name, index) => [name, state[index] ?? w]));
        const stateOf = (name: string) => kept.get(name) ?? w;
        const dw = withDecay(g, gradient, w, weightDecay);
        const squares = add(g, mul(g, stateOf("mean_square"), smoothing), square(g, dw));
        const next = [squares];
        let spread = squares;
        if (centered) {
          const mean = add(g, mul(g, stateOf("mean"), smoothing), dw);
          next.push(mean);
          // Rounding must not make it negative.
          spread = g.node("Relu", [sub(g, squares, mul(g, square(g, mean), rest))], {});
        }
        const root = add(g, g.node("Sqrt", [spread], {}), epsilon / Math.sqrt(rest));
        let direction = div(g, dw, root);
        if (momentum > 0) {
          direction = addScaled(g, direction, stateOf("momentum"), momentum);
          next.push(direction);
        }
        return { parameter: sub(g, w, mul(g, direction, size)), state: next };
      };
    },
  };
}
