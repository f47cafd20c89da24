import type { Transition } from "../transition.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobState, RoundSummary } from "./job-state.ts";
import { archive, goOn } from "./round-lifecycle.ts";

/** A round that nobody was drawn for is done, and the weights are what they were (SPEC RC11). */
export function passRound(
  state: JobState,
  { round, now }: Extract<JobEvent, { type: "nobodyDrawn" }>,
): Transition<JobState, JobEffect> {
  const summary: RoundSummary = {
    ...{ number: round, status: "completed", reason: "no device was drawn", openedAt: now, closedAt: now },
    ...{ modelVersion: 0, members: {}, evaluation: {}, federated: {}, bytesUp: 0, bytesDown: 0 },
  };
  const after = goOn({
    ...state,
    opening: "no",
    reason: null,
    nextRound: round + 1,
    roundsCompleted: state.roundsCompleted + 1,
    waitingSince: now,
    last: summary,
  });
  return { state: after.state, effects: [archive(summary), ...after.effects] };
}
