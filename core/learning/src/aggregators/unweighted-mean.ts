import type { JsonObject } from "../json-object.ts";
import type { Aggregator } from "./aggregator.ts";
import { type ExactSumConfig, exactSum } from "./exact-sum.ts";

/** The mean in which every device counts as one, however many examples it has: what a bound on each device's share needs. */
export const unweightedMean: Aggregator<JsonObject, ExactSumConfig> = exactSum({
  name: "unweighted-mean",
  weighted: false,
  result: "mean",
});
