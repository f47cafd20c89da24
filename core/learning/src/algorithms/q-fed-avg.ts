import { SelvedgeError } from "@selvedge/protocol";
import type { ServerOptimizer, ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";
import { type ClientAlgorithm, type LocalTraining, lossScaleMax, type ServerAlgorithm } from "./algorithm.ts";
import { checkSentLength } from "./sent-length.ts";

// q-FedAvg of Li et al., arXiv 1905.10497, algorithm 2: devices with a higher loss F at the base
// weigh more, by F^q. With L = 1 / rate the paper's Delta and h, of which the server takes the
// quotient, are both L times what is sent: F^q times the update, and F^q + q F^(q-1) |update|² / rate.
// Losses are divided by the mean loss of the round before, which changes neither the quotient nor
// the optimum, and keeps high powers of small losses within what sums hold exactly.

/** @param scale what losses are divided by in this round */
export function qFedAvgClient(q: number, scale: number): ClientAlgorithm {
  return {
    correction: () => null,

    finish({ update, stepped, learningRate, atBase }: LocalTraining) {
      if (!(atBase.loss >= 0)) throw negative(atBase.loss);
      const loss = atBase.loss / scale + smallest;
      const weight = loss ** q;
      const norm = stepped.reduce((sum, value) => sum + value * value, 0);
      const slope = weight + ((q / scale) * loss ** (q - 1) * norm) / learningRate;
      return {
        sent: [update.map((value) => weight * value), Float32Array.of(slope, Math.min(loss, lossMax))],
        kept: null,
      };
    },
  };
}

/** On the server: the sum of the updates over the sum of what they are divided by, for the optimizer to apply. */
export function qFedAvgServer(optimizer: ServerOptimizer): ServerAlgorithm {
  const scaleOf = ({ vectors }: ServerOptimizerState): number => vectors.scale?.[0] ?? 1;
  return {
    init(parameters: number): ServerOptimizerState {
      const { step, vectors } = optimizer.init(parameters);
      return { step, vectors: { ...vectors, scale: Float64Array.of(1) } };
    },

    broadcast: () => null,
    lossScale: scaleOf,

    update(before, base, mean) {
      checkSentLength("qfedavg", mean, base.length + 2);
      const { scale: _, ...own } = before.vectors;
      const [slope = 1, loss = 1] = mean.subarray(base.length);
      // Powers of losses far below the scale add up to nothing: then this round only finds the scale.
      const direction = mean.subarray(0, base.length).map((value) => (slope > 0 ? value / slope : 0));
      const { parameters, state } = optimizer.update({ ...before, vectors: own }, base, direction);
      const scale = Float64Array.of(Math.min(Math.max(scaleOf(before) * loss, smallest), lossScaleMax));
      return { parameters, state: { ...state, vectors: { ...state.vectors, scale } } };
    },
  };
}

function negative(loss: number): SelvedgeError {
  return new SelvedgeError("out_of_range", `the loss is ${loss}, and powers are taken of it`, {
    at: "qfedavg",
    fix: "take a loss that is never below 0",
  });
}

/** As the paper's own code has it, so that a loss of 0 has a power. */
const smallest = 1e-10;
/** What is told of a loss, in means of the round before. */
const lossMax = 1_000;
