import { type RobustRuleName, SelvedgeError } from "@selvedge/protocol";
import type { Accumulator } from "../accumulator.ts";
import type { JsonObject } from "../json-object.ts";
import type { AggregateReport, Aggregator, SumRound } from "./aggregator.ts";
import type { ExactSumConfig } from "./exact-sum.ts";
import { weightedMean } from "./weighted-mean.ts";

/**
 * A robust rule as the innermost part of an aggregator: on the device it is as the mean, for updates that can be
 * compared as they are. It is no sum: what `aggregateRobustly` makes of all updates at once is reported.
 */
export function atOnce(name: RobustRuleName): Aggregator<JsonObject, ExactSumConfig, "vector" | "clipped"> {
  const refuse = (): never => {
    throw new SelvedgeError("internal", `${name} is no sum: it needs every update at once`);
  };
  return {
    ...weightedMean,
    name,
    takes: ["vector", "clipped"],
    zero: refuse,
    accumulate: refuse,
    merge: refuse,

    report(
      _round: SumRound<ExactSumConfig>,
      { format, measurements = {}, sum }: Accumulator,
    ): AggregateReport {
      return format === "combined" ? { result: sum, measurements } : refuse();
    },
  };
}
