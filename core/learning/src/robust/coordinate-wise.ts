import { eachBlock } from "./blocks.ts";
import type { StoredUpdates } from "./robust-rule.ts";

/**
 * Makes one value of each coordinate's values.
 *
 * @param pick gets the values of one coordinate in ascending order; valid until it returns
 */
export async function coordinateWise(
  updates: StoredUpdates,
  pick: (ascending: Float32Array) => number,
): Promise<Float64Array> {
  const result = new Float64Array(updates.parameters);
  const devices = updates.contributions.length;
  const step = Math.ceil(valuesAtATime / devices);
  await eachBlock(updates, async (rows, offset) => {
    const width = rows[0]?.length ?? 0;
    for (let from = 0; from < width; from += step) {
      pickEach(rows, from, Math.min(from + step, width), pick, result.subarray(offset));
      await updates.pause();
    }
  });
  return result;
}

/** result[i] = pick(the values of coordinate i of all rows), from <= i < to */
function pickEach(
  rows: readonly Float32Array[],
  from: number,
  to: number,
  pick: (ascending: Float32Array) => number,
  result: Float64Array,
): void {
  const column = new Float32Array(rows.length);
  for (let at = from; at < to; at++) {
    for (let row = 0; row < rows.length; row++) column[row] = rows[row]?.[at] ?? 0;
    result[at] = pick(sortShort(column));
  }
}

/** The mean of the middle two, of an even number. */
export function medianOf(ascending: Float32Array | Float64Array): number {
  const half = ascending.length >> 1;
  const upper = ascending[half] ?? 0;
  return ascending.length % 2 === 1 ? upper : ((ascending[half - 1] ?? 0) + upper) / 2;
}

/** The mean of `ascending[from]` up to, not with, `ascending[to]`. */
export function meanBetween(ascending: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += ascending[at] ?? 0;
  return sum / (to - from);
}

/** In place. Insertion is faster than the call into the runtime's own sort, for so few. */
function sortShort(values: Float32Array): Float32Array {
  if (values.length > 24) return values.sort();
  for (let end = 1; end < values.length; end++) {
    const value = values[end] ?? 0;
    let at = end;
    for (; at > 0 && (values[at - 1] ?? 0) > value; at--) values[at] = values[at - 1] ?? 0;
    values[at] = value;
  }
  return values;
}

/** Sorted before others get their turn: some tens of milliseconds. */
const valuesAtATime = 2 ** 20;
