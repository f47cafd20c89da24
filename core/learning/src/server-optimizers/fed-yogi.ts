import { type AdaptiveOptions, adaptiveMoments } from "./adaptive-moments.ts";
import type { ServerOptimizer } from "./server-optimizer.ts";

/**
 * v = v - (1 - beta2) * d² * sign(v - d²): FedYogi of Reddi et al., arXiv 2003.00295.
 *
 * @param beta2 0 <= beta2 < 1
 */
export function fedYogi(options: AdaptiveOptions, beta2: number): ServerOptimizer {
  return adaptiveMoments(
    "fedyogi",
    options,
    (moment, square) => moment - (1 - beta2) * square * Math.sign(moment - square),
  );
}
