import { limits, type SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { sizeOf } from "../shape.ts";

/** How a network's weights begin: for layers followed by ReLU, or for others. */
export type Initialisation = "he" | "glorot";

/**
 * Variance of a layer's first weights: He et al. 2015 ("Delving Deep into Rectifiers") for ReLU,
 * Glorot and Bengio 2010 ("Understanding the difficulty …") for what is linear near zero.
 *
 * @param inputs how many values each output is a sum over
 * @param outputs how many sums each input is part of
 */
export const variances: {
  readonly [Each in Initialisation]: (inputs: number, outputs: number) => number;
} = {
  he: (inputs) => 2 / inputs,
  glorot: (inputs, outputs) => 2 / (inputs + outputs),
};

/** Weights of mean 0. The same generator gives the same bytes on every machine. */
export function normalWeights(
  shape: readonly number[],
  variance: number,
  random: SeededRandom,
): Float32Array<ArrayBuffer> {
  const deviation = Math.sqrt(variance);
  return Float32Array.from({ length: sizeOf(shape) }, () => deviation * nearlyNormal(random));
}

/** @throws SelvedgeError `too_large`, before memory is taken, for more than a model file may hold */
export function checkParameterCount(count: number): void {
  const countMax = Math.floor(limits.modelBytesMax / Float32Array.BYTES_PER_ELEMENT);
  if (count <= countMax) return;
  throw new SelvedgeError(
    "too_large",
    `the layers have ${count} parameters; a model has at most ${countMax}`,
    {
      fix: "give smaller layers",
    },
  );
}

/**
 * Mean 0, variance 1, within ±6: the sum of twelve uniforms. Unlike exact
 * methods it needs no logarithm, whose last bit differs between machines.
 */
function nearlyNormal(random: SeededRandom): number {
  let sum = 0;
  for (let i = 0; i < 12; i += 1) sum += random.uint32();
  return sum / 2 ** 32 - 6;
}
