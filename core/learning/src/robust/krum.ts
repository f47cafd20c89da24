import { contributionsFor } from "@selvedge/protocol";
import { neighbourhoodOf, scoreOf } from "./krum-scores.ts";
import { meanOfChosen, rejectedBeside } from "./mean-of.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The one update that is nearest to its nearest others: Blanchard et al., "Machine Learning with
 * Adversaries: Byzantine Tolerant Gradient Descent" (NIPS 2017, arXiv 1703.02757), section 4.
 * Every device counts the same.
 *
 * @param byzantine the paper's f: how many devices of a round may be hostile
 */
export function krum(byzantine: number): RobustRule {
  return {
    name: "krum",
    ...contributionsFor("krum", { byzantine }),
    combine: (updates) => combineNearest(updates, byzantine, 1),
  };
}

/**
 * The mean of the updates that Krum likes best: section 4 of the same paper.
 *
 * @param selected the paper's m; not given: all but `byzantine`
 */
export function multiKrum(byzantine: number, selected?: number): RobustRule {
  return {
    name: "multi-krum",
    ...contributionsFor("multi-krum", { byzantine, selected }),
    combine: (updates) =>
      combineNearest(updates, byzantine, selected ?? updates.contributions.length - byzantine),
  };
}

async function combineNearest(
  updates: StoredUpdates,
  byzantine: number,
  selected: number,
): Promise<RobustAggregate> {
  const { contributions } = updates;
  const neighbourhood = await neighbourhoodOf(updates);
  const all = new Uint8Array(contributions.length).fill(1);
  const scored = contributions.map(({ device }, index) => ({
    device,
    score: scoreOf(index, neighbourhood, all, all.length, byzantine),
  }));
  // Of equal scores the earlier device is first.
  const best = scored.toSorted((a, b) => a.score - b.score).slice(0, selected);
  const kept = new Set(best.map(({ device }) => device));
  return {
    result: await meanOfChosen(updates, kept),
    rejected: rejectedBeside(updates, kept),
    measurements: { selected: kept.size },
  };
}
