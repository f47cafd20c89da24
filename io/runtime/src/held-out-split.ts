import { SeededRandom } from "@selvedge/protocol";

export interface HeldOutSplit {
  /** Indices of the examples to train on, ascending. */
  readonly train: Int32Array<ArrayBuffer>;
  /** Indices of the examples to measure on, ascending. */
  readonly heldOut: Int32Array<ArrayBuffer>;
}

/**
 * Sets about `fraction` of a dataset aside (SPEC RE4). Whether an example is
 * held out depends on its position only: not on the round, nor on examples that
 * are appended later, so what was once trained on never becomes test data.
 *
 * @param fraction 0 <= fraction < 1
 */
export function splitHeldOut(length: number, fraction: number): HeldOutSplit {
  const random = SeededRandom.fromSeed("held-out");
  const train: number[] = [];
  const heldOut: number[] = [];
  for (let index = 0; index < length; index += 1) {
    (random.uniform() < fraction ? heldOut : train).push(index);
  }
  return { train: Int32Array.from(train), heldOut: Int32Array.from(heldOut) };
}
