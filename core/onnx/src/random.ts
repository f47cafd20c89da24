import { createHash } from "node:crypto";

/** A stream of pseudo-random numbers that depends on nothing but its seed, on every platform. */
export interface Random {
  /** Uniform integer, 0 <= x < 2^32. */
  uint32(): number;
  /** Uniform integer, 0 <= x < bound; bound at most 2^32. */
  below(bound: number): number;
  /** Mean 0, variance 1, within (-6, 6). */
  normal(): number;
}

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2021), its state the first 16 bytes of SHA-256 of the seed as
 * text. Not for secrets.
 */
export function seededRandom(seed: string | number): Random {
  const state = new Uint32Array(
    new Uint8Array(createHash("sha256").update(String(seed)).digest()).buffer,
    0,
    4,
  );
  let [a = 0, b = 0, c = 0, d = 0] = state;

  const uint32 = (): number => {
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return result;
  };

  return {
    uint32,
    below: (bound) => {
      // Values past the last whole multiple of the bound would favour small results.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let value = uint32();
      while (value >= limit) value = uint32();
      return value % bound;
    },
    normal: () => {
      // The sum of twelve uniforms needs no logarithm, whose last bit differs between platforms.
      let sum = 0;
      for (let i = 0; i < 12; i += 1) sum += uint32();
      return sum / 2 ** 32 - 6 + 12 / 2 ** 33;
    },
  };
}

/** The numbers 0 to length - 1 in an order that the seed decides (Fisher and Yates). */
export function permutation(length: number, seed: string | number): Int32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const order = Int32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last -= 1) {
    const chosen = random.below(last + 1);
    const moved = order[chosen] ?? 0;
    order[chosen] = order[last] ?? 0;
    order[last] = moved;
  }
  return order;
}

function rotated(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
