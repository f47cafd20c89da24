import { eachBlock } from "./blocks.ts";
import type { StoredUpdates } from "./robust-rule.ts";

/**
 * The mean of some of the updates.
 *
 * @param weights of each device, in the order of `contributions`; those of 0 are not read
 */
export async function meanOf(updates: StoredUpdates, weights: Float64Array): Promise<Float64Array> {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept = updates.contributions.flatMap((one, index) => {
    const weight = weights[index] ?? 0;
    return weight === 0 ? [] : [{ ...one, share: weight / total }];
  });
  const result = new Float64Array(updates.parameters);
  await eachBlock({ ...updates, contributions: kept }, (rows, offset) => {
    for (const [index, row] of rows.entries()) addShare(result, offset, row, kept[index]?.share ?? 0);
  });
  return result;
}

/** result[offset + i] += row[i] * share */
export function addShare(result: Float64Array, offset: number, row: Float32Array, share: number): void {
  for (let at = 0; at < row.length; at++) {
    result[offset + at] = (result[offset + at] ?? 0) + (row[at] ?? 0) * share;
  }
}

/** The mean of the devices in `kept` alone, each counting the same. */
export function meanOfChosen(updates: StoredUpdates, kept: ReadonlySet<string>): Promise<Float64Array> {
  const { contributions } = updates;
  return meanOf(
    updates,
    Float64Array.from(contributions, ({ device }) => (kept.has(device) ? 1 : 0)),
  );
}

export function rejectedBeside({ contributions }: StoredUpdates, kept: ReadonlySet<string>): string[] {
  return contributions.map(({ device }) => device).filter((device) => !kept.has(device));
}
