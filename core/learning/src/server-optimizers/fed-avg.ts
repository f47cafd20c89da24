import { SelvedgeError } from "@selvedge/protocol";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/**
 * parameters = base + learningRate * meanUpdate, in float64, rounded once to float32.
 * With a learning rate of 1 it is FedAvg of McMahan et al., arXiv 1602.05629.
 */
export function fedAvg(learningRate: number): ServerOptimizer {
  if (!(learningRate > 0) || !Number.isFinite(learningRate)) {
    throw new SelvedgeError("invalid_argument", `learning rate ${learningRate} is not a positive number`, {
      at: "plan.server_optimizer.learning_rate",
    });
  }
  return {
    name: "fedavg",

    init(): ServerOptimizerState {
      return { step: 0, vectors: {} };
    },

    update(state: ServerOptimizerState, base: Float32Array, meanUpdate: Float64Array): ServerOptimizerResult {
      if (base.length !== meanUpdate.length) {
        throw new SelvedgeError(
          "invalid_argument",
          `a mean update of ${meanUpdate.length} values for ${base.length} parameters`,
          { at: "fedavg" },
        );
      }
      const parameters = base.map((value, index) => value + learningRate * (meanUpdate[index] ?? 0));
      const bad = parameters.findIndex((value) => !Number.isFinite(value));
      if (bad !== -1) {
        throw new SelvedgeError("out_of_range", `parameter ${bad} would become ${parameters[bad]}`, {
          at: `fedavg, index ${bad}`,
          fix: "lower the server learning rate",
        });
      }
      return { parameters, state: { ...state, step: state.step + 1 } };
    },
  };
}
