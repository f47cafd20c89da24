import { limits, type SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { sizeOf } from "./shape.ts";

/**
 * Weights for a layer followed by ReLU: normal, variance 2 / inputs (He et al.
 * 2015, "Delving Deep into Rectifiers"). The same generator gives the same bytes
 * on every machine.
 *
 * @param inputs how many values each output is a sum over
 */
export function heNormal(
  shape: readonly number[],
  inputs: number,
  random: SeededRandom,
): Float32Array<ArrayBuffer> {
  const deviation = Math.sqrt(2 / inputs);
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
