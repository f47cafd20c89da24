/**
 * Exact sums of float32 values and of their squares. A float32 is a whole number of
 * 24 bits times a power of two, so whole numbers are added up apart for each power:
 * they stay below 2^53 for 2^29 values, and nothing is ever rounded. So neither the
 * order of the values nor how they are spread over devices can change a sum.
 */
export class ExactSums {
  readonly #values = new Float64Array(exponents);
  readonly #squaresHigh = new Float64Array(exponents);
  readonly #squaresLow = new Float64Array(exponents);

  /** @param value finite, and a float32 */
  add(value: number): void {
    float[0] = value;
    const word = bits[0] ?? 0;
    const exponent = (word >>> 23) & 0xff;
    const significand = (word & 0x7fffff) | (exponent === 0 ? 0 : 0x800000);
    const high = Math.floor((significand * significand) / 2 ** 24);
    this.#values[exponent] = (this.#values[exponent] ?? 0) + (word >>> 31 === 1 ? -significand : significand);
    this.#squaresHigh[exponent] = (this.#squaresHigh[exponent] ?? 0) + high;
    this.#squaresLow[exponent] =
      (this.#squaresLow[exponent] ?? 0) + (significand * significand - high * 2 ** 24);
  }

  /** In units of 2^-149. */
  get sum(): bigint {
    return this.#total((exponent) => BigInt(this.#values[exponent] ?? 0), 1);
  }

  /** In units of 2^-298. */
  get squares(): bigint {
    const at = (exponent: number): bigint =>
      (BigInt(this.#squaresHigh[exponent] ?? 0) << 24n) + BigInt(this.#squaresLow[exponent] ?? 0);
    return this.#total(at, 2);
  }

  #total(at: (exponent: number) => bigint, power: number): bigint {
    let total = 0n;
    for (let exponent = 0; exponent < exponents; exponent += 1) {
      // Subnormal numbers (exponent 0) have the scale of exponent 1.
      total += at(exponent) << BigInt(power * (Math.max(exponent, 1) - 1));
    }
    return total;
  }
}

const exponents = 255;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
