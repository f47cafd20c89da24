import { checkedParameters, checkRate } from "./checked-parameters.ts";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/**
 * What the optimizers with momentum have in common:
 * with the mean update d, v = momentum * v + d, parameters = base + learningRate * direction(d, v).
 *
 * @param momentum 0 <= momentum < 1
 * @throws SelvedgeError `invalid_argument` for a rate that is not positive
 */
export function withVelocity(
  name: string,
  learningRate: number,
  momentum: number,
  direction: (update: number, velocity: number) => number,
): ServerOptimizer {
  checkRate(learningRate);
  return {
    name,

    init(parameters: number): ServerOptimizerState {
      return { step: 0, vectors: { momentum: new Float64Array(parameters) } };
    },

    update(
      { step, vectors }: ServerOptimizerState,
      base: Float32Array,
      meanUpdate: Float64Array,
    ): ServerOptimizerResult {
      const velocity = meanUpdate.map((value, index) => momentum * (vectors.momentum?.[index] ?? 0) + value);
      const parameters = checkedParameters(
        name,
        base,
        meanUpdate.length,
        (value, index) => value + learningRate * direction(meanUpdate[index] ?? 0, velocity[index] ?? 0),
      );
      return { parameters, state: { step: step + 1, vectors: { momentum: velocity } } };
    },
  };
}
