import type { ServerOptimizer, ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";
import type { ClientAlgorithm, LocalTraining, ServerAlgorithm } from "./algorithm.ts";
import { checkSentLength } from "./sent-length.ts";

// MimeLite of Karimireddy et al., arXiv 2008.03606, algorithm 1 with SGD and momentum: every device
// steps along (1 - beta) g(y) + beta m with the server's momentum m, which stays as it is for the
// round, and sends the gradient of all its examples at the base, by which the server moves m. A
// device trains with (1 - beta) times the rate, so that what is added to each gradient is
// beta / (1 - beta) m. Means are weighted by examples.

export function mimeLiteClient(beta: number): ClientAlgorithm {
  return {
    correction(_own: Float32Array, broadcast: Float32Array): Float32Array<ArrayBuffer> {
      return Float32Array.from(broadcast, (value) => (value * beta) / (1 - beta));
    },

    finish({ update, atBase }: LocalTraining) {
      return { sent: [update, atBase.gradient], kept: null };
    },
  };
}

/** On the server: the model as the optimizer has it, and m = beta m + (1 - beta) mean(gradient). */
export function mimeLiteServer(optimizer: ServerOptimizer, beta: number): ServerAlgorithm {
  return {
    init(parameters: number): ServerOptimizerState {
      const { step, vectors } = optimizer.init(parameters);
      return { step, vectors: { ...vectors, mime: new Float64Array(parameters) } };
    },

    broadcast({ vectors }: ServerOptimizerState): Float32Array<ArrayBuffer> {
      return Float32Array.from(vectors.mime ?? []);
    },

    update({ step, vectors }, base, mean) {
      const { mime = new Float64Array(base.length), ...own } = vectors;
      checkSentLength("mimelite", mean, 2 * base.length);
      const { parameters, state } = optimizer.update(
        { step, vectors: own },
        base,
        mean.subarray(0, base.length),
      );
      const next = mime.map((value, index) => beta * value + (1 - beta) * (mean[base.length + index] ?? 0));
      return { parameters, state: { ...state, vectors: { ...state.vectors, mime: next } } };
    },
  };
}
