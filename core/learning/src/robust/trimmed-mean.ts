import { contributionsFor } from "@selvedge/protocol";
import { coordinateWise, meanBetween } from "./coordinate-wise.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The mean of each coordinate without its largest and its smallest values: Yin et al. (ICML 2018,
 * arXiv 1803.01498), definition 2 and algorithm 1, option II. Every device counts the same.
 *
 * @param trim the paper's beta, the share that goes at each end: above 0, below 0.5
 */
export function trimmedMean(trim: number): RobustRule {
  return {
    name: "trimmed-mean",
    ...contributionsFor("trimmed-mean", { trim }),

    async combine(updates: StoredUpdates): Promise<RobustAggregate> {
      const devices = updates.contributions.length;
      const trimmed = Math.floor(trim * devices + slack);
      const result = await coordinateWise(updates, (ascending) =>
        meanBetween(ascending, trimmed, devices - trimmed),
      );
      return { result, rejected: [], measurements: { trimmed } };
    },
  };
}

/** So that 0.29 of 100 is 29, whatever binary fractions make of it. */
const slack = 1e-9;
