import { squaredDistances } from "./distances.ts";
import type { StoredUpdates } from "./robust-rule.ts";

/** Updates that know how far they are from each other. */
export interface Neighbourhood {
  /** Squared distances of every pair. */
  readonly distances: readonly Float64Array[];
  /** For each update all others, the nearest first. */
  readonly nearest: readonly Uint32Array[];
}

export async function neighbourhoodOf(updates: StoredUpdates): Promise<Neighbourhood> {
  const distances = await squaredDistances(updates);
  const nearest: Uint32Array[] = [];
  for (const [index, row] of distances.entries()) {
    const others = [...row.keys()].filter((other) => other !== index);
    nearest.push(Uint32Array.from(others.sort((a, b) => (row[a] ?? 0) - (row[b] ?? 0))));
    await updates.pause();
  }
  return { distances, nearest };
}

/**
 * Krum's score of an update: the sum of the squared distances to its nearest others, as many as
 * there are updates less `byzantine` and two, at least one. Lower is better.
 *
 * @param isThere of each update whether it takes part, 1 or 0
 * @param count how many do
 */
export function scoreOf(
  update: number,
  { distances, nearest }: Neighbourhood,
  isThere: Uint8Array,
  count: number,
  byzantine: number,
): number {
  const row = distances[update] ?? [];
  let missing = Math.max(1, count - byzantine - 2);
  let score = 0;
  for (const other of nearest[update] ?? []) {
    if (isThere[other] === 0) continue;
    score += row[other] ?? 0;
    missing -= 1;
    if (missing === 0) break;
  }
  return score;
}
