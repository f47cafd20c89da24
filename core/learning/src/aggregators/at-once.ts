import { type RobustRuleName, SelvedgeError } from "@selvedge/protocol";
import type { JsonObject } from "../json-object.ts";
import type { Aggregator } from "./aggregator.ts";
import type { ExactSumConfig } from "./exact-sum.ts";
import { weightedMean } from "./weighted-mean.ts";

/**
 * The device's half of a robust rule, which is that of the mean, for updates that can be compared
 * as they are. The rule is no sum: what the server does with all updates at once is `aggregateRobustly`.
 */
export function atOnce(name: RobustRuleName): Aggregator<JsonObject, ExactSumConfig, "vector" | "clipped"> {
  const refuse = (): never => {
    throw new SelvedgeError("internal", `${name} is no sum: it needs every update at once`);
  };
  const serverHalf = { zero: refuse, accumulate: refuse, merge: refuse, report: refuse };
  return { ...weightedMean, ...serverHalf, name, takes: ["vector", "clipped"] };
}
