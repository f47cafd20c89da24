import type { Transition } from "../transition.ts";
import { countOf } from "./close-reason.ts";
import type { JobEffect, JobEvent } from "./job-event.ts";
import type { JobState, Member, RoundState } from "./job-state.ts";
import { advanceRound, archive, discardOf, noticesOf, openNextRound, summarise } from "./round-lifecycle.ts";

type JobTransition = Transition<JobState, JobEffect>;
type Exclusion = Extract<JobEvent, { type: "deviceExcluded" }>;

/**
 * Puts a device out of the open round: nothing of it reaches the weights (SPEC
 * RC10). A contribution that was not folded yet is dropped. One that was cannot
 * be taken out again, because the update is not kept: the round is given up and
 * opened again, from the same weights.
 */
export function excludeDevice(state: JobState, { device, reason, now }: Exclusion): JobTransition {
  const round = state.current;
  const member = round?.members[device];
  if (round === null || member === undefined || member.status === "excluded") return { state, effects: [] };
  const next = without(state, round, device, member, reason);
  const isFolded =
    [...round.folded, ...round.folding.map((one) => one.device)].includes(device) ||
    isCombined(round, member);
  const isShort = round.phase !== "collecting" && countOf(next, "contributed") < state.plan.quorum;
  if (isFolded || isShort) {
    const again = openAgain(state, next, `opened again without ${device}: ${reason}`, now);
    return { state: again.state, effects: [...again.effects, ...discardOf(round)] };
  }
  const dropped = round.queue.filter((one) => one.device === device).map((one) => one.body.digest);
  const after = advanceRound(state, next, now);
  const discard: JobEffect[] = dropped.length === 0 ? [] : [{ type: "discard", blobs: dropped }];
  return { state: after.state, effects: [...after.effects, ...discard] };
}

/** What was measured is taken together once the round has closed. */
function isCombined({ kind, phase }: RoundState, { status }: Member): boolean {
  return kind === "evaluate" && phase !== "collecting" && status === "contributed";
}

function without(
  state: JobState,
  round: RoundState,
  device: string,
  member: Member,
  reason: string,
): RoundState {
  const { [device]: _dropped, ...metrics } = round.metrics;
  const excluded: Member = { ...member, status: "excluded", reason };
  const next: RoundState = {
    ...round,
    members: { ...round.members, [device]: excluded },
    queue: round.queue.filter((one) => one.device !== device),
    metrics,
  };
  // Without it the quorum may be one short again, and the grace time with it.
  return countOf(next, "contributed") < state.plan.quorum ? { ...next, quorumAt: null } : next;
}

/** Ends the attempt. It is no failure of the job: neither counted nor rested after. */
function openAgain(state: JobState, round: RoundState, reason: string, now: number): JobTransition {
  const summary = summarise(state, round, "failed", reason, {}, now);
  const between: JobState = { ...state, status: "waiting", current: null, waitingSince: now, last: summary };
  const opened = openNextRound(between);
  // Why is between the operator and the device it is about.
  const notices = noticesOf(round, "the round is opened again");
  return { state: opened.state, effects: [archive(summary), ...notices, ...opened.effects] };
}
