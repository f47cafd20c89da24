import type { BlobReference } from "../digest.ts";
import type { JobState } from "./job-state.ts";

/** Whose weights a job began with: those of a release, or those after a round of another job. */
export type WeightsOrigin =
  | { readonly kind: "release"; readonly model: string; readonly version: number }
  | { readonly kind: "round"; readonly job: string; readonly round: number };

/** Weights that outlive the round after the one that made them. */
export interface WeightsCheckpoint {
  /** Number of the round. */
  readonly round: number;
  readonly weights: BlobReference;
}

/** After which rounds a job's weights are still there: those it was told to keep, and the last that trained. */
export function checkpointsOf({ base, checkpoints = [], trainedIn }: JobState): readonly WeightsCheckpoint[] {
  if (trainedIn === undefined || checkpoints.at(-1)?.round === trainedIn) return checkpoints;
  return [...checkpoints, { round: trainedIn, weights: base.weights }];
}
