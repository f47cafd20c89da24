import type { ServerOptimizer } from "./server-optimizer.ts";
import { withVelocity } from "./with-velocity.ts";

/**
 * Momentum on the server: v = momentum * v + meanUpdate, parameters = base + learningRate * v.
 * FedAvgM of Hsu et al., arXiv 1909.06335.
 *
 * @param momentum 0 <= momentum < 1
 */
export function fedAvgM(learningRate: number, momentum: number): ServerOptimizer {
  return withVelocity("fedavgm", learningRate, momentum, (_update, velocity) => velocity);
}
