import { type AdaptiveOptions, adaptiveMoments } from "./adaptive-moments.ts";
import type { ServerOptimizer } from "./server-optimizer.ts";

/**
 * v = beta2 * v + (1 - beta2) * d²: FedAdam of Reddi et al., arXiv 2003.00295.
 *
 * @param beta2 0 <= beta2 < 1
 */
export function fedAdam(options: AdaptiveOptions, beta2: number): ServerOptimizer {
  return adaptiveMoments("fedadam", options, (moment, square) => beta2 * moment + (1 - beta2) * square);
}
