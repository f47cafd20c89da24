import type { BlobReference } from "../digest.ts";
import { goalReached } from "./job-goal.ts";
import type { JobState, RoundKind } from "./job-state.ts";

/** What the next round is for: statistics come before all else, and once (SPEC DS5). */
export function nextKind(state: JobState): { readonly kind?: RoundKind } {
  if (state.plan.statistics && state.statistics === undefined) return { kind: "statistics" };
  return isEvaluationDue(state) ? { kind: "evaluate" } : {};
}

/** Whether no round follows: all are done, or the job reached its goal early, and what came of it was measured. */
export function isDone(state: JobState): boolean {
  return areRoundsDone(state) && !isEvaluationDue(state);
}

/** For effects that scale columns. */
export function gathered({ statistics }: JobState): { readonly statistics?: BlobReference } {
  return statistics === undefined ? {} : { statistics };
}

function areRoundsDone(state: JobState): boolean {
  return state.roundsCompleted >= state.plan.rounds || goalReached(state) !== null;
}

/** After so many rounds, and after the last (SPEC EV5). */
function isEvaluationDue(state: JobState): boolean {
  const { plan, roundsCompleted, evaluatedAfter = 0 } = state;
  if (plan.task === "evaluate") return !areRoundsDone(state);
  if (plan.evaluateEvery === undefined || roundsCompleted === evaluatedAfter) return false;
  return roundsCompleted % plan.evaluateEvery === 0 || areRoundsDone(state);
}
