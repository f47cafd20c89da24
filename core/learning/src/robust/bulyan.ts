import { contributionsFor } from "@selvedge/protocol";
import { coordinateWise, meanBetween, medianOf } from "./coordinate-wise.ts";
import { neighbourhoodOf, scoreOf } from "./krum-scores.ts";
import { rejectedBeside } from "./mean-of.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * Krum, again and again, chooses all but 2f updates; of these, each coordinate is the mean of the
 * values nearest to their median, all but 2f again: El Mhamdi et al., "The Hidden Vulnerability of
 * Distributed Learning in Byzantium" (ICML 2018, arXiv 1802.07927), section 4. A hostile update that
 * is near the others as a whole cannot be far from them in one coordinate. Every device counts the same.
 *
 * @param byzantine the paper's f: how many devices of a round may be hostile
 */
export function bulyan(byzantine: number): RobustRule {
  return {
    name: "bulyan",
    ...contributionsFor("bulyan", { byzantine }),

    async combine(updates: StoredUpdates): Promise<RobustAggregate> {
      const { contributions } = updates;
      const chosen = await choose(updates, byzantine);
      const kept = contributions.filter((_, index) => chosen.has(index));
      const result = await coordinateWise({ ...updates, contributions: kept }, (ascending) =>
        meanAroundMedian(ascending, kept.length - 2 * byzantine),
      );
      const devices = new Set(kept.map(({ device }) => device));
      return {
        result,
        rejected: rejectedBeside(updates, devices),
        measurements: { selected: devices.size, averaged: kept.length - 2 * byzantine },
      };
    },
  };
}

/** Takes Krum's choice out of what is left, until 2f are left. Of equal scores the earlier device is first. */
async function choose(updates: StoredUpdates, byzantine: number): Promise<Set<number>> {
  const neighbourhood = await neighbourhoodOf(updates);
  const chosen = new Set<number>();
  const isLeft = new Uint8Array(updates.contributions.length).fill(1);
  for (let left = isLeft.length; left > 2 * byzantine; left--) {
    let best = { index: -1, score: Number.POSITIVE_INFINITY };
    for (let index = 0; index < isLeft.length; index++) {
      if (isLeft[index] === 0) continue;
      const score = scoreOf(index, neighbourhood, isLeft, left, byzantine);
      if (score < best.score) best = { index, score };
    }
    chosen.add(best.index);
    isLeft[best.index] = 0;
    await updates.pause();
  }
  return chosen;
}

/** The mean of the `count` values nearest to the median; of two as near as each other the smaller stays. */
function meanAroundMedian(ascending: Float32Array, count: number): number {
  const median = medianOf(ascending);
  let from = 0;
  let to = ascending.length;
  while (to - from > count) {
    const below = median - (ascending[from] ?? 0);
    const above = (ascending[to - 1] ?? 0) - median;
    if (above >= below) to -= 1;
    else from += 1;
  }
  return meanBetween(ascending, from, to);
}
