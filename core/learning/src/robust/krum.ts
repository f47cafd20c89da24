import { checkedCount } from "./checked-options.ts";
import { neighbourhoodOf, neighboursMax, scoreOf } from "./krum-scores.ts";
import { meanOfChosen, rejectedBeside } from "./mean-of.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The one update that is nearest to its nearest others: Blanchard et al., "Machine Learning with
 * Adversaries: Byzantine Tolerant Gradient Descent" (NIPS 2017, arXiv 1703.02757), section 4.
 * Every device counts the same.
 *
 * @param byzantine the paper's f: how many devices of a round may be hostile
 * @throws SelvedgeError `invalid_argument`
 */
export function krum(byzantine: number): RobustRule {
  return {
    name: "krum",
    minimum: fewestFor(byzantine),
    maximum: neighboursMax,
    combine: (updates) => combineNearest(updates, byzantine, 1),
  };
}

/**
 * The mean of the updates that Krum likes best: section 4 of the same paper.
 *
 * @param selected the paper's m; not given: all but `byzantine`
 * @throws SelvedgeError `invalid_argument`
 */
export function multiKrum(byzantine: number, selected?: number): RobustRule {
  const fewest = fewestFor(byzantine);
  if (selected !== undefined) checkedCount("selected", selected, 1, neighboursMax);
  return {
    name: "multi-krum",
    // Among more than all but f there may be a hostile one.
    minimum: Math.max(fewest, (selected ?? 0) + byzantine),
    maximum: neighboursMax,
    combine: (updates) =>
      combineNearest(updates, byzantine, selected ?? updates.contributions.length - byzantine),
  };
}

function fewestFor(byzantine: number): number {
  return 2 * checkedCount("byzantine", byzantine, 0, neighboursMax) + 3;
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
