import { SeededRandom } from "@selvedge/protocol";
import { type SelectCohortOptions, selectCohort } from "./select-cohort.ts";

/**
 * Poisson sampling, as the subsampled Gaussian mechanism's accounting assumes (Abadi et al., arXiv
 * 1607.00133): each device is in with the same probability, whoever else is there. Nobody may be.
 *
 * @param options `cohort`: of more that were drawn so many are taken, each equally likely
 * @param probability 0 < probability <= 1
 * @returns ascending ids
 * @throws SelvedgeError as `selectCohort`
 */
export function selectPoisson(options: SelectCohortOptions, probability: number): string[] {
  const { eligible, seed, round } = options;
  const isDrawn = (id: string): boolean =>
    SeededRandom.fromSeed("select-poisson", seed, round, id).uniform() < probability;
  const drawn = eligible.filter(isDrawn);
  return selectCohort({ ...options, eligible: drawn });
}
