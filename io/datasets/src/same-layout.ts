/**
 * Whether the values of one shape, in the order they have, are those of the
 * other: [28, 28] is [1, 28, 28] and [784]. [3, 32, 32] and [32, 32, 3] are as
 * many values in another order, which no reshape puts right.
 */
export function isSameLayout(a: readonly number[], b: readonly number[]): boolean {
  const left = a.filter((size) => size !== 1);
  const right = b.filter((size) => size !== 1);
  const flat = left.length <= 1 || right.length <= 1;
  return flat ? sizeOf(left) === sizeOf(right) : left.join() === right.join();
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
