import type { Round } from "@selvedge/protocol";

/** A device that has no part in a round's update, and why, in its own or the coordinator's words. */
export interface Refusal {
  readonly device: string;
  /** "declined", "failed", "excluded", or "contributed" of one that a robust rule left out */
  readonly status: string;
  readonly reason: string;
}

export function refusalsOf(round: Round | undefined): readonly Refusal[] {
  return (round?.participants ?? []).filter(({ reason }) => reason !== "");
}
