import { checkedParameters, checkRate } from "./checked-parameters.ts";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/**
 * parameters = base + learningRate * meanUpdate, in float64, rounded once to float32.
 * With a learning rate of 1 it is FedAvg of McMahan et al., arXiv 1602.05629.
 */
export function fedAvg(learningRate: number): ServerOptimizer {
  checkRate(learningRate);
  return {
    name: "fedavg",

    init(): ServerOptimizerState {
      return { step: 0, vectors: {} };
    },

    update(state: ServerOptimizerState, base: Float32Array, meanUpdate: Float64Array): ServerOptimizerResult {
      const parameters = checkedParameters(
        "fedavg",
        base,
        meanUpdate.length,
        (value, index) => value + learningRate * (meanUpdate[index] ?? 0),
      );
      return { parameters, state: { ...state, step: state.step + 1 } };
    },
  };
}
