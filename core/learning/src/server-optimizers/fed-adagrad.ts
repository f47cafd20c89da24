import { type AdaptiveOptions, adaptiveMoments } from "./adaptive-moments.ts";
import type { ServerOptimizer } from "./server-optimizer.ts";

/** v = v + d²: FedAdagrad of Reddi et al., arXiv 2003.00295. */
export function fedAdagrad(options: AdaptiveOptions): ServerOptimizer {
  return adaptiveMoments("fedadagrad", options, (moment, square) => moment + square);
}
