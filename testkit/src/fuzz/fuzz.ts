import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { FuzzTarget } from "./fuzz-target.ts";
import { mutate } from "./mutate.ts";

export interface FuzzOptions {
  /** How many inputs to try. */
  readonly inputs: number;
  /** Number of the first input: input N of a target is the same bytes in every run. */
  readonly from: number;
}

export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
  /** The first input that threw something else than a SelvedgeError. */
  readonly finding?: FuzzFinding;
}

export interface FuzzFinding {
  readonly number: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Longest input, bytes: room for thousands of repetitions, and quick to make. */
const inputBytesMax = 65_536;

/**
 * Feeds a decoder examples and mutants of them; ends at the first finding.
 * @throws Error when the decoder refuses one of the target's own examples, which would leave nothing to vary.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const examples = await target.examples();
  for (const example of examples) await target.decode(example.slice());
  const words = (target.words ?? []).map((word) => new TextEncoder().encode(word));
  let accepted = 0;
  let refused = 0;
  for (let number = options.from; number < options.from + options.inputs; number += 1) {
    const random = SeededRandom.fromSeed("fuzz", target.name, number);
    const input = mutate({ random, examples, words, bytesMax: inputBytesMax });
    try {
      const result = target.decode(input.slice());
      if (result instanceof Promise) await result;
      accepted += 1;
    } catch (error) {
      // "internal" says that the mistake is ours.
      if (!(error instanceof SelvedgeError) || error.code === "internal") {
        return { accepted, refused, finding: { number, input, error } };
      }
      refused += 1;
    }
  }
  return { accepted, refused };
}
