import { contributionsFor } from "@selvedge/protocol";
import { medianOf } from "./coordinate-wise.ts";
import { norms } from "./distances.ts";
import { meanOf, rejectedBeside } from "./mean-of.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The mean, weighted by examples, of the updates whose norm is not beyond a multiple of the median
 * norm: the upper bound of the first filter of SignGuard, Xu et al., "Byzantine-robust Federated
 * Learning through Collaborative Malicious Gradient Filtering" (ICDCS 2022, arXiv 2109.05872).
 *
 * @param multiple the paper's R, at least 1; theirs is 3
 */
export function normFilter(multiple: number = 3): RobustRule {
  return {
    name: "norm-filter",
    ...contributionsFor("norm-filter", {}),

    async combine(updates: StoredUpdates): Promise<RobustAggregate> {
      const { contributions } = updates;
      const lengths = await norms(updates);
      const median = medianOf(lengths.toSorted());
      const kept = contributions.filter((_, index) => (lengths[index] ?? 0) <= multiple * median);
      const devices = new Set(kept.map(({ device }) => device));
      const weights = contributions.map(({ device, weight }) => (devices.has(device) ? weight : 0));
      return {
        result: await meanOf(updates, Float64Array.from(weights)),
        rejected: rejectedBeside(updates, devices),
        measurements: { selected: devices.size, medianNorm: median },
      };
    },
  };
}
