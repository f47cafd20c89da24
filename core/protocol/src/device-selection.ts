import type { ScheduleSpec, SelectionSpec } from "./gen/selvedge/v1/round_pb.js";
import { limits, namePattern } from "./limits.ts";
import { invalidPlan as invalid, oneOf, range } from "./plan-checks.ts";

export type PlannedSelection = "uniform" | "poisson" | "loss";

/** How many devices are invited to a round at most. */
export function invitedMax({
  cohort,
  overSelection,
}: Pick<ScheduleSpec, "cohort" | "overSelection">): number {
  return overSelection === 0 ? cohort : Math.ceil(cohort * overSelection);
}

/**
 * Checks how a plan says devices are chosen.
 *
 * @param metrics what devices may report
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function checkSelection(schedule: ScheduleSpec | undefined, metrics: readonly string[]): void {
  const { cohort = 0, overSelection = 0, selection } = schedule ?? {};
  if (overSelection !== 0) range("schedule.over_selection", overSelection, 1, 10);
  range("schedule.over_selection", invitedMax({ cohort, overSelection }), 0, limits.cohortMax);
  if (selection === undefined) return;
  oneOf("schedule.selection.name", selection.name, ["uniform", "poisson", "loss"]);
  checkOwn(selection, cohort);
  if (selection.name === "loss" && !metrics.includes("train_loss"))
    throw invalid("metrics", "devices are selected by their train_loss, which they do not report");
  const { cores = 0, memoryBytes = 0n, architectures, groups, tags } = selection.requires ?? {};
  range("schedule.selection.requires.cores", cores, 0, 65_536);
  range("schedule.selection.requires.memory_bytes", Number(memoryBytes), 0, 2 ** 53);
  for (const [field, names] of Object.entries({ architectures, groups, tags }))
    checkNames(field, names ?? []);
}

/** Of what each selection has, and no other. */
function checkOwn({ name, probability, candidates }: SelectionSpec, cohort: number): void {
  if (name === "poisson") range("schedule.selection.probability", probability, Number.MIN_VALUE, 1);
  else if (probability !== 0) throw invalid("schedule.selection.probability", `"${name}" has none`);
  if (name === "loss") range("schedule.selection.candidates", candidates, cohort, 1_000_000);
  else if (candidates !== 0) throw invalid("schedule.selection.candidates", `"${name}" has none`);
}

function checkNames(field: string, names: readonly string[]): void {
  const at = `schedule.selection.requires.${field}`;
  if (names.length > limits.tagsMax) throw invalid(at, `${names.length} names; at most ${limits.tagsMax}`);
  const wrong = names.find((name) => !namePattern.test(name));
  if (wrong !== undefined) throw invalid(at, `"${wrong.slice(0, 64)}" is not a name`);
}
