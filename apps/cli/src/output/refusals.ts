import type { Round } from "@selvedge/protocol";

/** A device that has no part in a round, and why, in its own or the coordinator's words. */
export interface Refusal {
  readonly device: string;
  /** "declined", "failed" or "excluded" */
  readonly status: string;
  readonly reason: string;
}

export function refusalsOf(round: Round | undefined): readonly Refusal[] {
  return (round?.participants ?? []).filter(({ reason }) => reason !== "");
}
