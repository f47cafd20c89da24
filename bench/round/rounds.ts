/** When each round's model was there, Unix seconds, in order. */
export interface Rounds {
  readonly modelThere: readonly number[];
}

/** Seconds from one model to the next; the first, which has to wait for processes to start, does not count. */
export function medianSeconds({ modelThere }: Rounds): number {
  const between = modelThere.slice(1).map((time, index) => time - (modelThere[index] ?? Number.NaN));
  const sorted = between.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
