import type { JobState, Metrics, RoundSummary } from "@selvedge/protocol";

/** One round of a simulation, as curves are drawn from it. */
export interface RoundPoint {
  /** From 1. */
  readonly round: number;
  readonly kind: "train" | "statistics" | "evaluate";
  readonly status: "completed" | "failed";
  readonly reason: string | null;
  /** Whose updates are in. */
  readonly contributed: number;
  readonly invited: number;
  /** On the data of `--evaluation`. */
  readonly evaluation: Metrics;
  /** What clients reported. */
  readonly federated: Metrics;
  /** Of all answers together. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** SHA-256 of the model after the round. */
  readonly weights: string;
}

export function roundPoint(last: RoundSummary, { base }: JobState): RoundPoint {
  const { number, kind = "train", status, reason, evaluation, federated, bytesUp, bytesDown } = last;
  const members = Object.values(last.members);
  return {
    round: number,
    ...{ kind, status, reason },
    contributed: members.filter((member) => member.status === "contributed").length,
    invited: members.length,
    ...{ evaluation, federated, bytesUp, bytesDown },
    weights: base.weights.digest,
  };
}
