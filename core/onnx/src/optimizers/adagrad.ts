import { add, cast, div, mul, square, sub } from "../arithmetic.ts";
import { withDecay } from "./descent.ts";
import type { OptimizerRule } from "./optimizer-rule.ts";

export interface AdagradOptions {
  /** By which the learning rate is divided, 1 + x (t - 1); none when absent. */
  readonly rateDecay?: number;
  /** Of the sums of squares, 0 <= x; 0 when absent. */
  readonly initialSum?: number;
  /** 1e-10 when absent. */
  readonly epsilon?: number;
  /** 0 <= x; none when absent. */
  readonly weightDecay?: number;
}

/** Adagrad (Duchi et al., 2011), as PyTorch's: s' = s + dw², w' = w - η dw/(√s' + ε). */
export function adagrad({
  rateDecay = 0,
  initialSum = 0,
  epsilon = 1e-10,
  weightDecay = 0,
}: AdagradOptions): OptimizerRule {
  return {
    state: [{ name: "sum_of_squares", initial: initialSum }],
    isLinear: false,
    begin: (g, rate, count) => {
      const slowing = add(g, mul(g, sub(g, count, g.scalar(1, count.type)), rateDecay), 1);
      const size = rateDecay === 0 ? rate : div(g, rate, cast(g, slowing, rate.type));
      return (w, gradient, state) => {
        const [s = w] = state;
        const dw = withDecay(g, gradient, w, weightDecay);
        const sum = add(g, s, square(g, dw));
        const direction = div(g, dw, add(g, g.node("Sqrt", [sum], {}), epsilon));
        return { parameter: sub(g, w, mul(g, direction, size)), state: [sum] };
      };
    },
  };
}
