import type { Transition } from "../transition.ts";
import type { JobEffect } from "./job-event.ts";
import type { JobState, RoundFigures, RoundState, RoundSummary } from "./job-state.ts";
import { isDone } from "./next-round.ts";
import { archive, endJob, goOn, isExtra, openNextRound, summarise } from "./round-lifecycle.ts";

/** What devices measured is known: the model stays as it is (SPEC EV3). */
export function completeEvaluation(
  state: JobState,
  round: RoundState,
  figures: RoundFigures,
  now: number,
): Transition<JobState, JobEffect> {
  const summary: RoundSummary = { ...summarise(state, round, "completed", null, {}, now), ...figures };
  const next: JobState = { ...state, current: null, waitingSince: now, failuresInARow: 0, last: summary };
  const { roundsCompleted } = state;
  const after = isExtra(state, round)
    ? goOn({ ...next, evaluatedAfter: roundsCompleted })
    : endOrRepeat({ ...next, roundsCompleted: roundsCompleted + 1 }, now);
  return { state: after.state, effects: [archive(summary), ...after.effects] };
}

/** A job that evaluates has no model to write. */
function endOrRepeat(state: JobState, now: number): Transition<JobState, JobEffect> {
  return isDone(state) ? endJob(state, "completed", null, now) : openNextRound(state);
}
