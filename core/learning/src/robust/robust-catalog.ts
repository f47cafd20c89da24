import {
  checkRobustSettings,
  isRobust,
  type RobustRuleName,
  type RobustSettings,
  robustRuleNames,
  SelvedgeError,
} from "@selvedge/protocol";
import { bulyan } from "./bulyan.ts";
import { coordinateMedian } from "./coordinate-median.ts";
import { geometricMedian } from "./geometric-median.ts";
import { krum, multiKrum } from "./krum.ts";
import { normFilter } from "./norm-filter.ts";
import type { RobustRule } from "./robust-rule.ts";
import { trimmedMean } from "./trimmed-mean.ts";

/**
 * @throws SelvedgeError `not_found`, listing the names there are; `invalid_argument` for an option
 *   that is missing, out of range or not the rule's
 */
export function robustRuleNamed(name: string, settings: RobustSettings): RobustRule {
  if (!isRobust(name)) {
    throw new SelvedgeError("not_found", `no robust rule "${name}"`, {
      at: "plan.aggregator.name",
      fix: `use one of: ${robustRuleNames.join(", ")}`,
    });
  }
  checkRobustSettings(name, settings);
  return catalog[name](settings);
}

// What must be given was checked to be.
const catalog: { readonly [Name in RobustRuleName]: (settings: RobustSettings) => RobustRule } = {
  median: () => coordinateMedian,
  "trimmed-mean": ({ trim = 0 }) => trimmedMean(trim),
  krum: ({ byzantine = 0 }) => krum(byzantine),
  "multi-krum": ({ byzantine = 0, selected }) => multiKrum(byzantine, selected),
  bulyan: ({ byzantine = 0 }) => bulyan(byzantine),
  "geometric-median": ({ iterations, smoothing }) => geometricMedian(iterations, smoothing),
  "norm-filter": ({ multiple }) => normFilter(multiple),
};
