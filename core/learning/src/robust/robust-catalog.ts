import { SelvedgeError } from "@selvedge/protocol";
import { bulyan } from "./bulyan.ts";
import { coordinateMedian } from "./coordinate-median.ts";
import { geometricMedian } from "./geometric-median.ts";
import { krum, multiKrum } from "./krum.ts";
import { normFilter } from "./norm-filter.ts";
import type { RobustRule } from "./robust-rule.ts";
import { trimmedMean } from "./trimmed-mean.ts";

/** What a rule can be told; what it does not have is not set. */
export interface RobustOptions {
  /** Of "trimmed-mean": the share that goes at each end. */
  readonly trim?: number | undefined;
  /** Of "krum", "multi-krum", "bulyan": how many devices of a round may be hostile. */
  readonly byzantine?: number | undefined;
  /** Of "multi-krum": how many updates are averaged. */
  readonly selected?: number | undefined;
  /** Of "geometric-median". */
  readonly iterations?: number | undefined;
  readonly smoothing?: number | undefined;
  /** Of "norm-filter": how many median norms an update may be long. */
  readonly multiple?: number | undefined;
}

/** Names a plan may use. To add a rule, list it in the catalog below. */
export const robustRuleNames: readonly string[] = [
  "median",
  "trimmed-mean",
  "krum",
  "multi-krum",
  "bulyan",
  "geometric-median",
  "norm-filter",
];

/**
 * @throws SelvedgeError `not_found`, listing the names there are; `invalid_argument` for an option
 *   that is missing, out of range or not the rule's
 */
export function robustRuleNamed(name: string, options: RobustOptions): RobustRule {
  const rule = catalog.get(name);
  if (rule === undefined) {
    throw new SelvedgeError("not_found", `no robust rule "${name}"`, {
      at: "aggregator: name",
      fix: `use one of: ${robustRuleNames.join(", ")}`,
    });
  }
  const given = (Object.keys(options) as (keyof RobustOptions)[]).filter((one) => options[one] !== undefined);
  const foreign = given.find((option) => !rule.options.includes(option));
  if (foreign === undefined) return rule.make(options);
  throw new SelvedgeError("invalid_argument", `${name} has no option "${foreign}"`, {
    at: `aggregator: ${foreign}`,
    fix: rule.options.length === 0 ? "leave it out" : `it has: ${rule.options.join(", ")}`,
  });
}

interface CatalogEntry {
  readonly options: readonly (keyof RobustOptions)[];
  make(options: RobustOptions): RobustRule;
}

// What must be given and is not is refused by the rule as no number.
const catalog: ReadonlyMap<string, CatalogEntry> = new Map(
  Object.entries<CatalogEntry>({
    median: { options: [], make: () => coordinateMedian },
    "trimmed-mean": { options: ["trim"], make: ({ trim = Number.NaN }) => trimmedMean(trim) },
    krum: { options: ["byzantine"], make: ({ byzantine = Number.NaN }) => krum(byzantine) },
    "multi-krum": {
      options: ["byzantine", "selected"],
      make: ({ byzantine = Number.NaN, selected }) => multiKrum(byzantine, selected),
    },
    bulyan: { options: ["byzantine"], make: ({ byzantine = Number.NaN }) => bulyan(byzantine) },
    "geometric-median": {
      options: ["iterations", "smoothing"],
      make: ({ iterations, smoothing }) => geometricMedian(iterations, smoothing),
    },
    "norm-filter": { options: ["multiple"], make: ({ multiple }) => normFilter(multiple) },
  }),
);
