import { checkedParameters, checkRate } from "./checked-parameters.ts";
import type { ServerOptimizer, ServerOptimizerResult, ServerOptimizerState } from "./server-optimizer.ts";

/** What the adaptive optimizers have in common. */
export interface AdaptiveOptions {
  readonly learningRate: number;
  /** Of the first moment, 0 <= beta1 < 1. */
  readonly beta1: number;
  /** The paper's tau, > 0: how little a second moment is taken to be at least. */
  readonly epsilon: number;
  /** Of each element of the second moment before the first round, >= 0. */
  readonly initialAccumulator: number;
}

/**
 * Algorithm 2 of Reddi et al., arXiv 2003.00295: with the mean update d and no correction of bias,
 * m = beta1 * m + (1 - beta1) * d, v = second(v, d²), parameters = base + learningRate * m / (sqrt(v) + epsilon).
 */
export function adaptiveMoments(
  name: string,
  { learningRate, beta1, epsilon, initialAccumulator }: AdaptiveOptions,
  second: (moment: number, square: number) => number,
): ServerOptimizer {
  checkRate(learningRate);
  return {
    name,

    init(parameters: number): ServerOptimizerState {
      const accumulator = new Float64Array(parameters).fill(initialAccumulator);
      return { step: 0, vectors: { momentum: new Float64Array(parameters), accumulator } };
    },

    update(
      { step, vectors }: ServerOptimizerState,
      base: Float32Array,
      meanUpdate: Float64Array,
    ): ServerOptimizerResult {
      const momentum = meanUpdate.map(
        (value, index) => beta1 * (vectors.momentum?.[index] ?? 0) + (1 - beta1) * value,
      );
      const accumulator = meanUpdate.map((value, index) =>
        second(vectors.accumulator?.[index] ?? initialAccumulator, value * value),
      );
      const parameters = checkedParameters(name, base, meanUpdate.length, (value, index) => {
        const scale = Math.sqrt(accumulator[index] ?? 0) + epsilon;
        return value + (learningRate * (momentum[index] ?? 0)) / scale;
      });
      return { parameters, state: { step: step + 1, vectors: { momentum, accumulator } } };
    },
  };
}
