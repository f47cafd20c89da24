import { checkedParameters, checkRate } from "./checked-parameters.ts";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/**
 * Momentum on the server: v = momentum * v + meanUpdate, parameters = base + learningRate * v.
 * FedAvgM of Hsu et al., arXiv 1909.06335.
 *
 * @param momentum 0 <= momentum < 1
 */
export function fedAvgM(learningRate: number, momentum: number): ServerOptimizer {
  checkRate(learningRate);
  return {
    name: "fedavgm",

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
        "fedavgm",
        base,
        meanUpdate.length,
        (value, index) => value + learningRate * (velocity[index] ?? 0),
      );
      return { parameters, state: { step: step + 1, vectors: { momentum: velocity } } };
    },
  };
}
