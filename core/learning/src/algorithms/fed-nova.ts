import type { ServerOptimizer } from "../server-optimizers/server-optimizer.ts";
import type { ClientAlgorithm, LocalTraining, ServerAlgorithm } from "./algorithm.ts";
import { checkSentLength } from "./sent-length.ts";

// FedNova of Wang et al., arXiv 2007.07481, equation 6: of local SGD every update is a sum of
// gradients with weights a_i, and what is averaged is the update over the sum |a_i| of these; the
// model then moves by the mean of |a_i| times that average. Without it devices that take more
// steps pull the model to their own optimum. Both are means weighted by examples (the paper's p_i),
// so the same exact sum carries them: the update over |a_i|, and behind it |a_i| itself.

/** What decides how much a device's gradients weigh in its update. */
export interface StepWeights {
  /** Of SGD, 0 = none. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Of FedProx's term, 0 = none; not beside momentum. */
  readonly proximal: number;
  /** The most steps that any device takes in a round. */
  readonly stepsMax: number;
}

/** On the device: the update over |a_i|, and |a_i| as a share of what it may be at most, times 1024. */
export function fedNovaClient(weights: StepWeights): ClientAlgorithm {
  return {
    correction: () => null,

    finish({ update, steps, learningRate }: LocalTraining) {
      const norm = stepWeight(weights, steps, learningRate);
      const share = Float32Array.of(norm / unitOf(weights));
      return { sent: [update.map((value) => value / norm), share], kept: null };
    },
  };
}

/** On the server: the mean of |a_i| times the mean of the normalised updates, for the optimizer to apply. */
export function fedNovaServer(optimizer: ServerOptimizer, weights: StepWeights): ServerAlgorithm {
  return {
    init: (parameters) => optimizer.init(parameters),
    broadcast: () => null,

    update(state, base, mean) {
      checkSentLength("fednova", mean, base.length + 1);
      const effective = (mean[base.length] ?? 0) * unitOf(weights);
      const direction = mean.subarray(0, base.length).map((value) => value * effective);
      return optimizer.update(state, base, direction);
    },
  };
}

/**
 * |a_i|: how many times its gradient a device would move by, would that be the same in all its steps
 * (section 4 of the paper, for plain SGD, momentum and the proximal term). Step by step: what the
 * paper's closed forms subtract is lost to rounding where the term is small or the momentum near 1.
 */
export function stepWeight(
  { momentum, nesterov, proximal }: Omit<StepWeights, "stepsMax">,
  steps: number,
  learningRate: number,
): number {
  const stays = 1 - proximal * learningRate;
  let velocity = 0;
  let weight = 0;
  for (let step = 0; step < steps; step++) {
    velocity = momentum * velocity + 1;
    weight = stays * weight + (nesterov ? 1 + momentum * velocity : velocity);
  }
  return weight;
}

/** So that the number sent is above 0 and at most 1024, where the sums are exact. */
function unitOf({ momentum, stepsMax }: StepWeights): number {
  return stepsMax / (1 - momentum) / 1024;
}
