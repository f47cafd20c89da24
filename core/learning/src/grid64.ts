import { SelvedgeError } from "@selvedge/protocol";

/**
 * Exact sums in float64. Multiples of 2^-40 add without rounding while the
 * total stays below 2^53 steps = 2^13, so the order of addition and the
 * grouping into partial sums cannot change a single bit.
 */
export const gridStep: number = 2 ** -40;

/** An update's values lie strictly between minus this and this. */
export const updateBound: number = 2 ** 11;

/**
 * The nearest multiple of 2^-40, for |x| < 2^11. Adding 1.5 * 2^12 moves x
 * into [2^12, 2^13], where neighbouring float64 lie 2^-40 apart, so the addition
 * itself rounds (ties to even); seven times faster than Math.round. Never -0.
 */
export function roundToGrid(x: number): number {
  return x + shift - shift;
}

/**
 * sum[i] += roundToGrid(update[i] * scale), in place; all or nothing.
 *
 * @param scale 0 < scale <= 1; over all updates of one sum the scales add up to at most 1,
 *   which together with `updateBound` keeps every total below 2^13
 * @throws SelvedgeError `out_of_range`, with index and value, for a value that is not a number
 *   or not within `updateBound`; `sum` is then as before
 */
export function addScaled(sum: Float64Array, update: Float32Array, scale: number): void {
  let bad = -1;
  for (let start = 0; start < sum.length && bad === -1; start += blockLength) {
    bad = addBlock(sum, update, scale, start, Math.min(start + blockLength, sum.length));
  }
  if (bad === -1) return;
  // Sums on the grid are exact, so taking back what was added restores every bit.
  for (let i = 0; i < bad; i++) sum[i] = (sum[i] ?? 0) - roundToGrid((update[i] ?? 0) * scale);
  throw outOfRange(update, bad);
}

/**
 * Checks an update without adding it.
 *
 * @throws SelvedgeError as `addScaled`
 */
export function checkUpdate(update: Float32Array): void {
  // A loop: with a callback a million values take several times as long.
  for (let index = 0; index < update.length; index += 1) {
    const value = update[index] ?? 0;
    if (!(value * value < updateBoundSquared)) throw outOfRange(update, index);
  }
}

/**
 * sum[i] += partial[i], in place; all or nothing.
 *
 * @param bound the largest magnitude that the weights in the partial sum allow, at most 2^13
 * @throws SelvedgeError `out_of_range`, with index and value, for a value off the grid or beyond `bound`
 */
export function addPartial(sum: Float64Array, partial: Float64Array, bound: number): void {
  const bad = partial.findIndex(
    (value) => !(Math.abs(value) <= bound) || !Number.isInteger(value / gridStep),
  );
  if (bad !== -1) {
    throw new SelvedgeError(
      "out_of_range",
      `value ${partial[bad]} at index ${bad} is not a multiple of 2^-40 of magnitude at most ${bound}`,
      { at: `partial sum, index ${bad}` },
    );
  }
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (partial[i] ?? 0);
}

/**
 * The hot loop, over start <= i < end. @returns the index of the first value it refused, or -1
 *
 * Short blocks make it hot by calls. As one loop over a whole update it was
 * five times slower from about the 600th call on: V8 (Node 24) then inlines
 * it into its caller's mid-tier code, which it does not replace while looping.
 */
function addBlock(
  sum: Float64Array,
  update: Float32Array,
  scale: number,
  start: number,
  end: number,
): number {
  for (let i = start; i < end; i++) {
    const value = update[i] ?? Number.NaN;
    // One comparison refuses NaN and Inf too; the square of a float32 is exact in float64.
    if (!(value * value < updateBoundSquared)) return i;
    sum[i] = (sum[i] ?? 0) + (value * scale + shift - shift);
  }
  return -1;
}

function outOfRange(update: Float32Array, index: number): SelvedgeError {
  return new SelvedgeError(
    "out_of_range",
    `value ${update[index]} at index ${index} is not a number between -${updateBound} and ${updateBound}`,
    { at: `update, index ${index}`, fix: "lower the learning rate: training has most likely diverged" },
  );
}

const shift = 1.5 * 2 ** 12;
const blockLength = 4_096;
const updateBoundSquared = updateBound * updateBound;
