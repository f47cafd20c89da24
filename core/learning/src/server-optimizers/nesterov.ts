import { checkedParameters, checkRate } from "./checked-parameters.ts";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/**
 * Nesterov momentum on the server, as PyTorch's SGD has it: v = momentum * v + meanUpdate,
 * parameters = base + learningRate * (meanUpdate + momentum * v). The outer optimizer of DiLoCo
 * (Douillard et al., arXiv 2311.08105), there with a rate of 0.7 and a momentum of 0.9.
 *
 * @param momentum 0 <= momentum < 1
 */
export function nesterov(learningRate: number, momentum: number): ServerOptimizer {
  checkRate(learningRate);
  return {
    name: "nesterov",

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
        "nesterov",
        base,
        meanUpdate.length,
        (value, index) =>
          value + learningRate * ((meanUpdate[index] ?? 0) + momentum * (velocity[index] ?? 0)),
      );
      return { parameters, state: { step: step + 1, vectors: { momentum: velocity } } };
    },
  };
}
