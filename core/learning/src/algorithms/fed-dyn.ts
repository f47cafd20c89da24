import { checkedParameters } from "../server-optimizers/checked-parameters.ts";
import type { ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";
import type { ClientAlgorithm, LocalTraining, ServerAlgorithm } from "./algorithm.ts";

// FedDyn of Acar et al., arXiv 2111.04263, algorithm 1: a device minimises its loss
// - <g, w> + alpha/2 |w - base|², whose quadratic part is the training's proximal term. Means are
// weighted as the model's is, so that with equal weights they are the paper's.

/** On the device, g (the gradient of its last minimum) becomes g - alpha * (trained - base). */
export function fedDynClient(alpha: number): ClientAlgorithm {
  return {
    correction(own: Float32Array): Float32Array<ArrayBuffer> {
      return Float32Array.from(own, (value) => -value);
    },

    finish({ own, update, stepped }: LocalTraining) {
      const kept = Float32Array.from(stepped, (value, index) => (own[index] ?? 0) - alpha * value);
      return { sent: [update], kept };
    },
  };
}

/**
 * On the server, with the paper's h over alpha as `drift`: drift = drift - |S| / N * mean update,
 * parameters = base + mean update - drift.
 *
 * @param population N, at least as many as ever contribute to a round
 */
export function fedDynServer(population: number): ServerAlgorithm {
  return {
    init(parameters: number): ServerOptimizerState {
      return { step: 0, vectors: { drift: new Float64Array(parameters) } };
    },

    broadcast: () => null,

    update({ step, vectors }, base, mean, contributors) {
      const share = contributors / population;
      const drift = mean.map((value, index) => (vectors.drift?.[index] ?? 0) - share * value);
      const parameters = checkedParameters(
        "feddyn",
        base,
        mean.length,
        (value, index) => value + (mean[index] ?? 0) - (drift[index] ?? 0),
      );
      return { parameters, state: { step: step + 1, vectors: { drift } } };
    },
  };
}
