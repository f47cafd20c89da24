import type { JsonObject } from "../json-object.ts";
import type { Aggregator } from "./aggregator.ts";
import { type ExactSumConfig, exactSum } from "./exact-sum.ts";

/**
 * The mean of updates weighted by their numbers of examples: FederatedAveraging
 * of McMahan et al. (arXiv 1602.05629, algorithm 1), with capped weights and an
 * exact sum.
 */
export const weightedMean: Aggregator<JsonObject, ExactSumConfig> = exactSum({
  name: "weighted-mean",
  weighted: true,
  result: "mean",
});
