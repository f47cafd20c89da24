import type { JsonObject } from "../json-object.ts";
import type { Aggregator } from "./aggregator.ts";
import { type ExactSumConfig, exactSum } from "./exact-sum.ts";

/** The updates added up, each counting as one: for a server optimizer that divides by a number of its own. */
export const sum: Aggregator<JsonObject, ExactSumConfig> = exactSum({
  name: "sum",
  weighted: false,
  result: "sum",
});
