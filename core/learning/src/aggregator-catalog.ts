import { isRobust, robustRuleNames, SelvedgeError } from "@selvedge/protocol";
import type { Aggregator } from "./aggregators/aggregator.ts";
import { atOnce } from "./aggregators/at-once.ts";
import { sum } from "./aggregators/sum.ts";
import { unweightedMean } from "./aggregators/unweighted-mean.ts";
import { weightedMean } from "./aggregators/weighted-mean.ts";

/** Names of what adds up, innermost in a composition. To add one, list it in the catalog below. */
export const aggregatorNames: readonly string[] = ["weighted-mean", "unweighted-mean", "sum"];

/**
 * Of a robust rule only the device's half: see `atOnce`.
 *
 * Configurations must have gone through this aggregator's own `prepare` or
 * `parseConfig`; the catalog's type no longer tells them apart.
 *
 * @throws SelvedgeError `not_found`, listing the names there are
 */
export function aggregatorNamed(name: string): Aggregator {
  const aggregator = isRobust(name) ? atOnce(name) : catalog.get(name);
  if (aggregator !== undefined) return aggregator;
  throw new SelvedgeError("not_found", `no aggregator "${name}"`, {
    at: "plan.aggregator.name",
    fix: `use one of: ${[...aggregatorNames, ...robustRuleNames].join(", ")}`,
  });
}

const catalog: ReadonlyMap<string, Aggregator> = new Map(
  [weightedMean, unweightedMean, sum].map((aggregator) => [aggregator.name, aggregator]),
);
