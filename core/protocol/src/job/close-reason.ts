import type { JobState, Member, RoundState } from "./job-state.ts";

export interface Closing {
  readonly reason: string;
  /** For operators: what single devices said is not for the others. */
  readonly detail?: string;
  readonly failed: boolean;
}

/** Why a round takes no more contributions from now on; undefined = it does (SPEC RC1 to RC3, RC14). */
export function closeReason(state: JobState, round: RoundState, now: number): Closing | undefined {
  const { quorum, graceMs, closesAt = Number.POSITIVE_INFINITY } = state.plan;
  const contributed = countOf(round, "contributed");
  const outstanding = countOf(round, "offered") + countOf(round, "accepted");
  if (contributed + outstanding < quorum) {
    return {
      failed: true,
      reason: `quorum cannot be reached: ${contributed} of ${quorum} contributed`,
      detail: refusals(round),
    };
  }
  if (outstanding === 0) return { failed: false, reason: "every device has answered" };
  if (contributed >= closesAt) return { failed: false, reason: "the cohort has contributed" };
  if (round.quorumAt !== null && now >= round.quorumAt + graceMs) {
    return { failed: false, reason: "the quorum was reached and the grace time is over" };
  }
  if (now < round.deadlineAt) return undefined;
  if (contributed >= quorum) return { failed: false, reason: "the deadline has passed" };
  return { failed: true, reason: `deadline passed with ${contributed} of ${quorum} contributions` };
}

export function countOf(round: RoundState, status: Member["status"]): number {
  return Object.values(round.members).filter((member) => member.status === status).length;
}

/** Why devices said no, so that the operator need not look at each of them. */
function refusals(round: RoundState): string {
  const reasons = new Set(Object.values(round.members).flatMap((member) => member.reason ?? []));
  return reasons.size === 0 ? "" : ` (${[...reasons].slice(0, 3).join("; ")})`;
}
