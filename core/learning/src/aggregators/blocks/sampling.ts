import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { JsonObject } from "../../json-object.ts";
import type { AggregateReport, RandomSource } from "../aggregator.ts";
import type { Block, BlockOutput } from "../block.ts";
import { parseCount } from "./parse-count.ts";

type SamplingConfig = { readonly values: number };

/**
 * Each device sends a random subset of its values, one of every stretch of 1 / `fraction`, times the
 * stretch's length: on average the update itself. Which ones follows from a seed that travels in
 * front. (Konečný et al., arXiv 1610.05492, section 3: subsampling, here stratified.)
 *
 * @param options fraction: of the values that are sent, 0 < fraction < 1
 */
export function sampling(options: {
  readonly fraction: number;
}): Block<JsonObject, SamplingConfig, "vector" | "clipped", "subset"> {
  const sampleSize = (values: number): number => Math.ceil(values * options.fraction);
  return {
    name: "sampling",
    takes: ["vector", "clipped"],
    gives: "subset",
    bits: [],

    initialState(): JsonObject {
      return {};
    },

    prepare(_state: JsonObject, values: number): SamplingConfig {
      return { values };
    },

    parseConfig(value: unknown): SamplingConfig {
      return parseCount(value, "sampling");
    },

    valuesInside: sampleSize,

    encode(config: SamplingConfig, values: Float32Array, random: RandomSource): BlockOutput<"subset"> {
      checkLength(values.length, config.values);
      const head = Uint8Array.from({ length: seedBytes }, () => Math.floor(random.uniform() * 256));
      const chosen = new Float32Array(sampleSize(config.values));
      forEachChosen(head, config.values, chosen.length, (place, index, stretch) => {
        chosen[place] = (values[index] ?? 0) * stretch;
      });
      return { values: chosen, bits: [], head };
    },

    decode(
      config: SamplingConfig,
      bytes: Uint8Array,
      inside: (bytes: Uint8Array) => Float32Array,
    ): Float32Array {
      const chosen = inside(bytes.subarray(seedBytes));
      checkLength(chosen.length, sampleSize(config.values));
      const values = new Float32Array(config.values);
      forEachChosen(bytes.subarray(0, seedBytes), config.values, chosen.length, (place, index) => {
        values[index] = chosen[place] ?? 0;
      });
      return values;
    },

    report(_config: SamplingConfig, inside: AggregateReport): AggregateReport {
      return inside;
    },

    next(state: JsonObject): JsonObject {
      return state;
    },
  };
}

/** Cuts `length` indices into `chosen` stretches that differ by at most one, and takes one index of each. */
function forEachChosen(
  seed: Uint8Array,
  length: number,
  chosen: number,
  visit: (place: number, index: number, stretch: number) => void,
): void {
  const random = SeededRandom.fromSeed("sampling", ...seed);
  for (let place = 0; place < chosen; place++) {
    const from = Math.floor((place * length) / chosen);
    const stretch = Math.floor(((place + 1) * length) / chosen) - from;
    visit(place, from + random.integer(stretch), stretch);
  }
}

function checkLength(actual: number, expected: number): void {
  if (actual === expected) return;
  throw new SelvedgeError("corrupt", `${actual} values; this offer takes ${expected}`, {
    at: "update: length",
  });
}

const seedBytes = 16;
