import { eachBlock } from "./blocks.ts";
import type { StoredUpdates } from "./robust-rule.ts";

/** Squared Euclidean distances of every pair of updates; [i][j] as [j][i], by the order of `contributions`. */
export async function squaredDistances(updates: StoredUpdates): Promise<readonly Float64Array[]> {
  const devices = updates.contributions.length;
  const distances = updates.contributions.map(() => new Float64Array(devices));
  await eachBlock(updates, async (rows) => {
    for (const [index, row] of rows.entries()) {
      addDistances(row, rows.slice(0, index), distances[index] ?? new Float64Array(devices));
      await updates.pause();
    }
  });
  for (const [index, row] of distances.entries()) {
    for (let other = 0; other < index; other++) (distances[other] ?? row)[index] = row[other] ?? 0;
  }
  return distances;
}

/** Euclidean norm of each update. */
export async function norms(updates: StoredUpdates): Promise<Float64Array> {
  const squares = new Float64Array(updates.contributions.length);
  await eachBlock(updates, (rows) => {
    for (const [index, row] of rows.entries()) {
      let sum = squares[index] ?? 0;
      for (let at = 0; at < row.length; at++) sum += (row[at] ?? 0) * (row[at] ?? 0);
      squares[index] = sum;
    }
  });
  return squares.map(Math.sqrt);
}

/**
 * sums[j] += |row - others[j]|^2, coordinate by coordinate, so that how the coordinates are cut into
 * blocks changes no bit. Four at a time: each sum waits for its own last addition only.
 */
function addDistances(row: Float32Array, others: readonly Float32Array[], sums: Float64Array): void {
  let first = 0;
  for (; first + 4 <= others.length; first += 4) {
    const [a = row, b = row, c = row, d = row] = others.slice(first, first + 4);
    addFour(row, a, b, c, d, sums, first);
  }
  for (; first < others.length; first++) {
    const other = others[first] ?? row;
    let sum = sums[first] ?? 0;
    for (let at = 0; at < row.length; at++) {
      const difference = (row[at] ?? 0) - (other[at] ?? 0);
      sum += difference * difference;
    }
    sums[first] = sum;
  }
}

function addFour(
  row: Float32Array,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  d: Float32Array,
  sums: Float64Array,
  first: number,
): void {
  let [sumA = 0, sumB = 0, sumC = 0, sumD = 0] = sums.subarray(first, first + 4);
  for (let at = 0; at < row.length; at++) {
    const value = row[at] ?? 0;
    const fromA = value - (a[at] ?? 0);
    const fromB = value - (b[at] ?? 0);
    const fromC = value - (c[at] ?? 0);
    const fromD = value - (d[at] ?? 0);
    sumA += fromA * fromA;
    sumB += fromB * fromB;
    sumC += fromC * fromC;
    sumD += fromD * fromD;
  }
  sums.set([sumA, sumB, sumC, sumD], first);
}
