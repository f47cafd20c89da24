import { add, cast, mul } from "./arithmetic.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import { productOf } from "./shape.ts";

/** What the randomness of one training step is a function of. */
export interface Noise {
  /** int64 scalar, 0 to 2^53 - 1. */
  readonly seed: Value;
  /** int64 scalar: how many steps came before this one. */
  readonly step: Value;
  /** A number that no other user of this step's randomness gets. */
  stream(): number;
}

/**
 * Random numbers that a graph computes of seed, step and position alone, so that
 * a training can be repeated and gone on with: uint32 arithmetic, the same
 * bits everywhere. The runtime's own generators keep a state in the session.
 *
 * The hash of a counter with a key (as of Salmon et al. 2011, "Parallel Random
 * Numbers: As Easy as 1, 2, 3"); the hash is Wellons' of 32 bits, of low bias.
 *
 * @returns float32 [size of `like`], whole numbers from 0 to 2^24 - 1
 */
export function randomNumbers(g: GraphBuilder, { seed, step, stream }: Noise, like: Value): Value {
  const word = (value: number): Value => g.constant(Uint32Array.of(value), []);
  const low = cast(g, seed, "uint32");
  const high = cast(g, g.node("Div", [seed, g.integer(2 ** 32)], {}), "uint32");
  const ofSeed = [high, word(stream())].reduce((key, part) => xor(g, hashed(g, key), part), low);
  const key = hashed(g, xor(g, hashed(g, ofSeed), cast(g, step, "uint32")));
  const range = g.node("Range", [g.integer(0), g.node("Size", [like], {}), g.integer(1)], {});
  const positions = { ...range, shape: [productOf(like.shape)] };
  // Positions apart by the golden ratio (Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators").
  const counters = mul(g, cast(g, positions, "uint32"), word(0x9e3779b9));
  return cast(g, shiftedRight(g, hashed(g, add(g, counters, key)), 8), "float32");
}

/** hash32 "lowbias32" with the constants of its author's later search (Wellons 2018, "hash-prospector"). */
function hashed(g: GraphBuilder, x: Value): Value {
  const word = (value: number): Value => g.constant(Uint32Array.of(value), []);
  const first = mul(g, folded(g, x, 16), word(0x21f0aaad));
  const second = mul(g, folded(g, first, 15), word(0xd35a2d97));
  return folded(g, second, 15);
}

function folded(g: GraphBuilder, x: Value, bits: number): Value {
  return xor(g, x, shiftedRight(g, x, bits));
}

function xor(g: GraphBuilder, a: Value, b: Value): Value {
  return g.node("BitwiseXor", [a, b], {});
}

function shiftedRight(g: GraphBuilder, x: Value, bits: number): Value {
  return g.node("BitShift", [x, g.constant(Uint32Array.of(bits), [])], { direction: "RIGHT" });
}
