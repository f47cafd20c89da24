/** How the learning rate goes through the rounds of a job. */
export interface LearningRateSchedule {
  /** What comes after the warm-up; the rate stays, falls in steps, along half a cosine, or in a straight line. */
  readonly decay: "constant" | "step" | "cosine" | "linear";
  /** Rounds in which it rises in a straight line to the learning rate; 0 = none. */
  readonly warmupRounds: number;
  /** Of "step": after each so many rounds, at least 1, ... */
  readonly everyRounds: number;
  /** ... it is multiplied by this, above 0. */
  readonly factor: number;
  /** Of "cosine" and "linear": what share of the learning rate it falls to, 0 to 1. */
  readonly finalFactor: number;
}

/** Where a job is in its rounds. */
export interface RoundTime {
  /** Rounds that are done, and parts of one: 0 <= done < rounds. */
  readonly done: number;
  /** What the rate is for: 1, a whole round, or the part of one that a step is. */
  readonly each: number;
  /** Of the whole job. */
  readonly rounds: number;
}

/**
 * What the learning rate is multiplied by, 0 < x <= 1 (but for a `factor` above 1). While it
 * warms up it is what the rate has come to at the end of what it is for, so that none is 0.
 * The decays are those of PyTorch's StepLR, CosineAnnealingLR and LinearLR in closed form,
 * over what the warm-up has left of the rounds.
 */
export function learningRateFactor(
  { decay, warmupRounds, everyRounds, factor, finalFactor }: LearningRateSchedule,
  { done, each, rounds }: RoundTime,
): number {
  if (done < warmupRounds) return Math.min(1, (done + each) / warmupRounds);
  const since = done - warmupRounds;
  if (decay === "constant") return 1;
  if (decay === "step") return factor ** Math.floor(since / everyRounds);
  const share = since / (rounds - warmupRounds);
  const left = decay === "cosine" ? (1 + Math.cos(Math.PI * share)) / 2 : 1 - share;
  return finalFactor + (1 - finalFactor) * left;
}
