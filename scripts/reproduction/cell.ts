import type { RoundPoint } from "@selvedge/simulator";

/** A published figure, and the simulations that have to come to it. */
export interface Cell {
  readonly name: string;
  readonly title: string;
  /** Paper and table or figure. */
  readonly source: string;
  /** In the paper's words, or numbers. */
  readonly published: string;
  /** What is asked of ours. */
  readonly criterion: string;
  /** Takes more than an hour: only run when named. */
  readonly isLong?: true;
  readonly variants: readonly Variant[];
  judge(runs: ReadonlyMap<string, readonly RoundPoint[]>): Verdict;
}

/** One simulation. */
export interface Variant {
  readonly name: string;
  /** A job file. */
  readonly job: string;
  /** Options of `selvedge simulate`. @param folder for data that has to be made; it is there */
  options(folder: string): readonly string[];
}

export interface Verdict {
  /** Our figure, in words. */
  readonly ours: string;
  readonly isReached: boolean;
}

/** The first round after which the model is at least so accurate; undefined = none. */
export function roundsTo(accuracy: number, points: readonly RoundPoint[]): number | undefined {
  return points.find(({ evaluation }) => (evaluation.accuracy ?? 0) >= accuracy)?.round;
}

/** Each seed's own simulation of one job. */
export function bySeed(
  seeds: readonly number[],
  job: (seed: number) => string,
  options: Variant["options"],
): Variant[] {
  return seeds.map((seed) => ({
    name: `seed-${seed}`,
    job: job(seed),
    options: (folder) => [...options(folder), "--data-seed", String(seed)],
  }));
}

/** Each seed's rounds to an accuracy, and whether all are within a bound. */
export function judgeRounds(
  accuracy: number,
  atMost: number,
  runs: ReadonlyMap<string, readonly RoundPoint[]>,
): Verdict {
  const rounds = [...runs.values()].map((points) => roundsTo(accuracy, points));
  return {
    ours: `${(100 * accuracy).toFixed(1)} % after ${rounds.map((round) => round ?? "no").join(", ")} rounds`,
    isReached: rounds.every((round) => round !== undefined && round <= atMost),
  };
}
