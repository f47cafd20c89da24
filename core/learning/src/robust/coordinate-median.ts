import { contributionsFor } from "@selvedge/protocol";
import { coordinateWise, medianOf } from "./coordinate-wise.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The median of each coordinate: Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal
 * Statistical Rates" (ICML 2018, arXiv 1803.01498), definition 1 and algorithm 1, option I. Every
 * device counts the same, whatever its examples.
 */
export const coordinateMedian: RobustRule = {
  name: "median",
  ...contributionsFor("median", {}),

  async combine(updates: StoredUpdates): Promise<RobustAggregate> {
    return { result: await coordinateWise(updates, medianOf), rejected: [], measurements: {} };
  },
};
