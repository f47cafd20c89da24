import type { ServerOptimizer } from "./server-optimizer.ts";
import { withVelocity } from "./with-velocity.ts";

/**
 * Nesterov momentum on the server, as PyTorch's SGD has it: v = momentum * v + meanUpdate,
 * parameters = base + learningRate * (meanUpdate + momentum * v). The outer optimizer of DiLoCo
 * (Douillard et al., arXiv 2311.08105), there with a rate of 0.7 and a momentum of 0.9.
 *
 * @param momentum 0 <= momentum < 1
 */
export function nesterov(learningRate: number, momentum: number): ServerOptimizer {
  return withVelocity("nesterov", learningRate, momentum, (update, velocity) => update + momentum * velocity);
}
