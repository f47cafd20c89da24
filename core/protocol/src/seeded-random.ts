import { createHash } from "node:crypto";
import { SelvedgeError } from "./errors.ts";

/** Four 32-bit words, not all zero. */
export type SeededRandomState = readonly [number, number, number, number];

/** An array of any kind whose elements can be exchanged. */
interface Exchangeable<T> {
  readonly length: number;
  [index: number]: T;
}

/**
 * Reproducible pseudo-random numbers: the same seed gives the same sequence on
 * every machine. Not for secrets; keys and nonces come from node:crypto.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", ACM TOMS 47(4), 2021), seeded with the first 16 bytes of a SHA-256.
 */
export class SeededRandom {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  #spareNormal: number | undefined;

  /** Use `fromSeed`; this is for resuming from a known `state`. */
  constructor(state: SeededRandomState) {
    if (state.every((word) => word >>> 0 === 0)) {
      throw new SelvedgeError("invalid_argument", "a xoshiro128** state must not be all zero", {
        at: "SeededRandom",
      });
    }
    [this.#s0, this.#s1, this.#s2, this.#s3] = state;
  }

  /**
   * An independent stream for each list of parts: `fromSeed("selection", seed, round)`.
   * The number 1 and the text "1" seed the same stream.
   */
  static fromSeed(...parts: readonly (string | number | bigint)[]): SeededRandom {
    // JSON keeps the borders between parts, so that ("1", "23") and ("12", "3") differ.
    const hash = createHash("sha256")
      .update(JSON.stringify(parts.map(String)))
      .digest();
    return new SeededRandom([
      hash.readUInt32LE(0),
      hash.readUInt32LE(4),
      hash.readUInt32LE(8),
      hash.readUInt32LE(12),
    ]);
  }

  /** Uniform integer, 0 <= x < 2^32. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return result;
  }

  /** Uniform, 0 <= x < 1, a multiple of 2^-53. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  /**
   * Uniform integer, 0 <= x < bound, without modulo bias (draws past the last
   * whole multiple of `bound` are thrown away).
   *
   * @throws SelvedgeError `out_of_range` unless `bound` is an integer, 1 to 2^32.
   */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 4_294_967_296) {
      throw new SelvedgeError("out_of_range", `bound is ${bound}, not an integer from 1 to 2^32`, {
        at: "SeededRandom.integer",
      });
    }
    const accepted = 4_294_967_296 - (4_294_967_296 % bound);
    let draw = this.uint32();
    while (draw >= accepted) draw = this.uint32();
    return draw % bound;
  }

  /** Standard normal, by Marsaglia's polar method (SIAM Review 6(3), 1964). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    let u = 0;
    let v = 0;
    let square = 0;
    do {
      u = 2 * this.uniform() - 1;
      v = 2 * this.uniform() - 1;
      square = u * u + v * v;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spareNormal = v * factor;
    return u * factor;
  }

  /** Gamma with shape > 0 and scale 1; see `dirichlet` for very small shapes. */
  gamma(shape: number): number {
    return Math.exp(this.#logGamma(shape));
  }

  /**
   * A point of the simplex: `concentrations.length` shares that sum to 1.
   * Drawn in logarithms, so concentrations of 0.001 do not underflow to 0/0.
   */
  dirichlet(concentrations: readonly number[]): number[] {
    const logs = concentrations.map((shape) => this.#logGamma(shape));
    const largest = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const shares = logs.map((log) => Math.exp(log - largest));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  }

  /** Fisher-Yates in place; every order is equally likely. */
  shuffle<T>(items: Exchangeable<T>): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const held = items[last] as T;
      items[last] = items[other] as T;
      items[other] = held;
    }
  }

  /** Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26(3), 2000. */
  #logGamma(shape: number): number {
    if (!(shape > 0) || !Number.isFinite(shape)) {
      throw new SelvedgeError("out_of_range", `shape is ${shape}, not a positive finite number`, {
        at: "SeededRandom.gamma",
      });
    }
    // Their section 6: gamma(a) = gamma(a + 1) * U^(1/a). 1 - U is never 0.
    if (shape < 1) return this.#logGamma(shape + 1) + Math.log(1 - this.uniform()) / shape;
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const root = 1 + c * x;
      if (root <= 0) continue;
      const v = root * root * root;
      if (Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return Math.log(d * v);
      }
    }
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
