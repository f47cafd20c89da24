import { SelvedgeError } from "@selvedge/protocol";
import type { Aggregator } from "./aggregators/aggregator.ts";
import { weightedMean } from "./aggregators/weighted-mean.ts";

/** Names a plan may use. To add an aggregator, list it here and in testkit's aggregator contract test. */
export const aggregatorNames: readonly string[] = [weightedMean.name];

/**
 * Configurations must have gone through this aggregator's own `prepare` or
 * `parseConfig`; the catalog's type no longer tells them apart.
 *
 * @throws SelvedgeError `not_found`, listing the names there are
 */
export function aggregatorNamed(name: string): Aggregator {
  const aggregator = catalog.get(name);
  if (aggregator !== undefined) return aggregator;
  throw new SelvedgeError("not_found", `no aggregator "${name}"`, {
    at: "plan.aggregator.name",
    fix: `use one of: ${aggregatorNames.join(", ")}`,
  });
}

const catalog: ReadonlyMap<string, Aggregator> = new Map([[weightedMean.name, weightedMean]]);
