import { type SelectCohortOptions, selectCohort } from "./select-cohort.ts";

/**
 * Power-of-choice (Cho et al., arXiv 2010.01243, as its variant "rpow-d" with losses that devices
 * told before): of so many candidates, each equally likely, those with the highest loss. A device
 * that has told none comes before all that have.
 *
 * @param losses by device, the latest that each told
 * @param candidates at least the cohort
 * @returns ascending ids; fewer where there are fewer
 * @throws SelvedgeError as `selectCohort`
 */
export function selectByLoss(
  options: SelectCohortOptions,
  candidates: number,
  losses: ReadonlyMap<string, number>,
): string[] {
  const drawn = selectCohort({ ...options, cohort: Math.max(candidates, options.cohort) });
  const lossOf = (id: string): number => losses.get(id) ?? Number.POSITIVE_INFINITY;
  // Equal losses keep the order of the ids.
  const highest = drawn.toSorted((one, other) => {
    const [a, b] = [lossOf(one), lossOf(other)];
    return a === b ? 0 : b - a;
  });
  return highest.slice(0, options.cohort).sort();
}
