import type { SeededRandom } from "@selvedge/protocol";
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

/**
 * Mean 0, variance 1, within ±6: the sum of twelve uniforms. Unlike exact
 * methods it needs no logarithm, whose last bit differs between machines.
 */
function nearlyNormal(random: SeededRandom): number {
  let sum = 0;
  for (let i = 0; i < 12; i += 1) sum += random.uint32();
  return sum / 2 ** 32 - 6;
}
