import type { SeededRandom } from "@selvedge/protocol";

/** What mutations draw from. */
export interface MutationSource {
  readonly random: SeededRandom;
  /** At least one. */
  readonly examples: readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
  /** No mutant is longer, in bytes. */
  readonly bytesMax: number;
}

/** One hostile input: an example with a change or a few, or now and then nothing but noise. */
export function mutate(source: MutationSource): Uint8Array {
  const { random } = source;
  if (random.integer(50) === 0) return noise(random, random.integer(256));
  let bytes = pick(random, source.examples).slice();
  do {
    bytes = pick(random, mutations)(bytes, source).subarray(0, source.bytesMax).slice();
  } while (random.integer(2) === 0);
  return bytes;
}

type Mutation = (bytes: Uint8Array, source: MutationSource) => Uint8Array;

const mutations: readonly Mutation[] = [
  function flipBit(bytes, { random }) {
    return overwritten(bytes, random, (at) => Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.integer(8))));
  },
  function setByte(bytes, { random }) {
    return overwritten(bytes, random, () => Uint8Array.of(pick(random, edges) & 0xff));
  },
  function setNumber(bytes, { random }) {
    return overwritten(bytes, random, () => encodedNumber(random));
  },
  function writeDigits(bytes, { random }) {
    const text = pick(random, ["0", "-1", "9".repeat(20), "1e309", "4294967296", "0x10", "NaN", "1_0"]);
    return inserted(bytes, random, new TextEncoder().encode(text));
  },
  function truncate(bytes, { random }) {
    return bytes.subarray(0, random.integer(bytes.length + 1));
  },
  function remove(bytes, { random }) {
    const [start, end] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  function repeat(bytes, { random, bytesMax }) {
    const [start, end] = range(bytes, random);
    const part = bytes.subarray(start, end);
    // Rarely thousands of times: what nests or counts must have a limit.
    const times = random.integer(20) === 0 ? 4_096 : 1 + random.integer(4);
    const fitting = Math.min(times, Math.floor(bytesMax / Math.max(1, part.length)));
    return Buffer.concat([bytes.subarray(0, start), ...Array(fitting).fill(part), bytes.subarray(start)]);
  },
  function insertNoise(bytes, { random }) {
    return inserted(bytes, random, noise(random, 1 + random.integer(16)));
  },
  function insertWord(bytes, { random, words }) {
    return words.length === 0 ? bytes : inserted(bytes, random, pick(random, words));
  },
  function overwriteWord(bytes, { random, words }) {
    return words.length === 0 ? bytes : overwritten(bytes, random, () => pick(random, words));
  },
  function splice(bytes, { random, examples }) {
    const other = pick(random, examples);
    return Buffer.concat([
      bytes.subarray(0, random.integer(bytes.length + 1)),
      other.subarray(random.integer(other.length + 1)),
    ]);
  },
];

/** Where lengths, counts and signs go wrong. */
const edges: readonly number[] = [
  0, 1, 2, 4, 8, 0x0a, 0x20, 0x22, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];

function encodedNumber(random: SeededRandom): Uint8Array {
  const bytes = Buffer.alloc(8, random.integer(2) === 0 ? 0x00 : 0xff);
  const value = pick(random, edges);
  if (random.integer(2) === 0) bytes.writeUInt32LE(value, 0);
  else bytes.writeUInt32BE(value, 4);
  return pick(random, [bytes, bytes.subarray(0, 4), bytes.subarray(4), bytes.subarray(2, 4)]);
}

function overwritten(bytes: Uint8Array, random: SeededRandom, patch: (at: number) => Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.integer(bytes.length);
  const written = patch(at);
  const result = new Uint8Array(Math.max(bytes.length, at + written.length));
  result.set(bytes);
  result.set(written, at);
  return result;
}

function inserted(bytes: Uint8Array, random: SeededRandom, part: Uint8Array): Uint8Array {
  const at = random.integer(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
}

function range(bytes: Uint8Array, random: SeededRandom): [start: number, end: number] {
  const start = random.integer(bytes.length + 1);
  // Short ones more often: a field, a line, a bracket.
  const length = random.integer(2) === 0 ? random.integer(8) : random.integer(bytes.length - start + 1);
  return [start, Math.min(bytes.length, start + length)];
}

function noise(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.integer(256));
}

function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.integer(items.length)] as T;
}
