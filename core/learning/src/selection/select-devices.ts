import type { SelectionSpec } from "@selvedge/protocol";
import { selectByLoss } from "./select-by-loss.ts";
import { type SelectCohortOptions, selectCohort } from "./select-cohort.ts";
import { selectPoisson } from "./select-poisson.ts";

/**
 * Who is invited to a round, as the plan says; nobody where a Poisson draw comes out empty.
 *
 * @param selection of a plan that was checked; absent: uniform
 * @param losses of selection by loss
 * @returns ascending ids
 * @throws SelvedgeError as `selectCohort`
 */
export function selectDevices(
  selection: SelectionSpec | undefined,
  options: SelectCohortOptions,
  losses: ReadonlyMap<string, number>,
): string[] {
  switch (selection?.name) {
    case "poisson":
      return selectPoisson(options, selection.probability);
    case "loss":
      return selectByLoss(options, selection.candidates, losses);
    default:
      return selectCohort(options);
  }
}

/** How many devices have to be there for a round to begin at once, and after the grace time. */
export function devicesNeeded(
  selection: SelectionSpec | undefined,
  { cohort, quorum }: { readonly cohort: number; readonly quorum: number },
): { readonly atOnce: number; readonly patient: number } {
  if (selection?.name !== "poisson") return { atOnce: cohort, patient: quorum };
  // So many that a quorum is to be expected.
  return { atOnce: Math.ceil(quorum / selection.probability), patient: quorum };
}
