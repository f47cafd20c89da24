import { SeededRandom, SelvedgeError } from "@selvedge/protocol";

export interface SelectCohortOptions {
  /** Ids of the devices that may be invited, in any order. */
  readonly eligible: readonly string[];
  /** How many to invite, >= 1. */
  readonly cohort: number;
  /** The plan's seed. */
  readonly seed: number | bigint;
  readonly round: number;
}

/**
 * Draws a cohort without replacement; every set of devices is equally likely.
 * The same seed, round and set of ids give the same cohort, whatever the order
 * of the ids, so a restarted coordinator invites the same devices.
 *
 * @returns ascending ids; all of `eligible` when there are fewer than `cohort`
 * @throws SelvedgeError `invalid_argument` for a cohort below 1 or an id given twice
 */
export function selectCohort(options: SelectCohortOptions): string[] {
  const { eligible, cohort, seed, round } = options;
  if (!Number.isInteger(cohort) || cohort < 1) {
    throw new SelvedgeError("invalid_argument", `cohort is ${cohort}, not a positive integer`, {
      at: "selectCohort: cohort",
    });
  }
  const ids = [...new Set(eligible)].sort();
  if (ids.length !== eligible.length) {
    throw new SelvedgeError("invalid_argument", "a device id is given twice", {
      at: "selectCohort: eligible",
    });
  }
  SeededRandom.fromSeed("select-cohort", seed, round).shuffle(ids);
  return ids.slice(0, cohort).sort();
}
