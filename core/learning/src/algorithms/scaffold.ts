import type { ServerOptimizer, ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";
import type { ClientAlgorithm, LocalTraining, ServerAlgorithm } from "./algorithm.ts";
import { checkSentLength } from "./sent-length.ts";

// SCAFFOLD of Karimireddy et al., arXiv 1910.06378, algorithm 1 with option II of its line 12:
// the paper's x is the base, y the trained parameters, c and c_i the control variates of server
// and device, N the population, S the devices of a round. Its means are weighted here as the
// model's is, so that with equal weights they are the paper's.

/**
 * On the device: every step goes along g(y) - c_i + c, and c_i becomes c_i - c + (x - y) / (K * rate),
 * of which the change is sent.
 */
export const scaffoldClient: ClientAlgorithm = {
  correction(own: Float32Array, broadcast: Float32Array): Float32Array<ArrayBuffer> {
    return Float32Array.from(broadcast, (value, index) => value - (own[index] ?? 0));
  },

  finish({ own, broadcast, update, stepped, steps, learningRate }: LocalTraining) {
    const scale = 1 / (steps * learningRate);
    const kept = Float32Array.from(
      stepped,
      (value, index) => (own[index] ?? 0) - (broadcast[index] ?? 0) - value * scale,
    );
    return { sent: [update, kept.map((value, index) => value - (own[index] ?? 0))], kept };
  },
};

/**
 * On the server: the model as the optimizer has it, and c = c + |S| / N * mean(change of c_i).
 *
 * @param population N, at least as many as ever contribute to a round
 */
export function scaffoldServer(optimizer: ServerOptimizer, population: number): ServerAlgorithm {
  return {
    init(parameters: number): ServerOptimizerState {
      const { step, vectors } = optimizer.init(parameters);
      return { step, vectors: { ...vectors, control: new Float64Array(parameters) } };
    },

    broadcast({ vectors }: ServerOptimizerState): Float32Array<ArrayBuffer> {
      return Float32Array.from(vectors.control ?? []);
    },

    update({ step, vectors }, base, mean, contributors) {
      const { control = new Float64Array(base.length), ...own } = vectors;
      checkSentLength("scaffold", mean, 2 * base.length);
      const moved = optimizer.update({ step, vectors: own }, base, mean.subarray(0, base.length));
      const share = contributors / population;
      const next = control.map((value, index) => value + share * (mean[base.length + index] ?? 0));
      const { parameters, state } = moved;
      return { parameters, state: { ...state, vectors: { ...state.vectors, control: next } } };
    },
  };
}
