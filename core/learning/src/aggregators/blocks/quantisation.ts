import { SelvedgeError } from "@selvedge/protocol";
import { updateBound } from "../../grid64.ts";
import type { JsonObject } from "../../json-object.ts";
import type { AggregateReport, RandomSource } from "../aggregator.ts";
import type { Block, BlockOutput } from "../block.ts";
import { packedBytes, packLevels, unpackLevels } from "./pack-levels.ts";
import { parseCount } from "./parse-count.ts";

type QuantisationConfig = { readonly values: number };

/**
 * Each value becomes one of 2^`bits` evenly spaced levels between the smallest and the largest of its
 * bucket of 1,024, the one below or the one above by chance, so that it is right on average.
 * (Alistarh et al., QSGD, arXiv 1610.02132; Konečný et al., arXiv 1610.05492, section 3.)
 * On the wire: lowest and highest of each bucket as float32, then the levels, packed.
 *
 * @param options bits: of a level, 1 to 16
 */
export function quantisation(options: {
  readonly bits: number;
}): Block<JsonObject, QuantisationConfig, "vector" | "clipped" | "subset", "levels"> {
  const { bits } = options;
  return {
    name: "quantisation",
    takes: ["vector", "clipped", "subset"],
    gives: "levels",
    bits: [],

    initialState(): JsonObject {
      return {};
    },

    prepare(_state: JsonObject, values: number): QuantisationConfig {
      return { values };
    },

    parseConfig(value: unknown): QuantisationConfig {
      return parseCount(value, "quantisation");
    },

    encode(config: QuantisationConfig, values: Float32Array, random: RandomSource): BlockOutput<"levels"> {
      if (values.length !== config.values) {
        throw new SelvedgeError(
          "invalid_argument",
          `an update of ${values.length} values, the offer says ${config.values}`,
          { at: "update: length" },
        );
      }
      return { values: quantise(values, bits, random), bits: [] };
    },

    decode(config: QuantisationConfig, bytes: Uint8Array): Float32Array {
      const expected = rangeBytes(config.values) + packedBytes(config.values, bits);
      if (bytes.length === expected) return dequantise(bytes, config.values, bits);
      throw new SelvedgeError("corrupt", `${bytes.length} bytes; this offer takes ${expected}`, {
        at: "update: length",
      });
    },

    report(_config: QuantisationConfig, inside: AggregateReport): AggregateReport {
      return inside;
    },

    next(state: JsonObject): JsonObject {
      return state;
    },
  };
}

function quantise(values: Float32Array, bits: number, random: RandomSource): Uint8Array {
  const ranges = new Float32Array(rangeBytes(values.length) / 4);
  const levels = new Uint16Array(values.length);
  const top = 2 ** bits - 1;
  for (let start = 0, at = 0; start < values.length; start += bucketLength, at += 2) {
    const bucket = values.subarray(start, start + bucketLength);
    const { low, high } = rangeOf(bucket, start);
    ranges.set([low, high], at);
    if (high === low) continue;
    const scale = top / (high - low);
    bucket.forEach((value, index) => {
      levels[start + index] = Math.min(top, Math.floor((value - low) * scale + random.uniform()));
    });
  }
  return Buffer.concat([new Uint8Array(ranges.buffer), packLevels(levels, bits)]);
}

function dequantise(bytes: Uint8Array, length: number, bits: number): Float32Array {
  const ranges = new Float32Array(new Uint8Array(bytes.subarray(0, rangeBytes(length))).buffer);
  const levels = unpackLevels(bytes.subarray(rangeBytes(length)), length, bits);
  const values = new Float32Array(length);
  const top = 2 ** bits - 1;
  for (let bucket = 0; bucket * bucketLength < length; bucket++) {
    const low = ranges[2 * bucket] ?? Number.NaN;
    const high = ranges[2 * bucket + 1] ?? Number.NaN;
    checkRange(low, high, bucket);
    const step = (high - low) / top;
    const end = Math.min(length, (bucket + 1) * bucketLength);
    for (let i = bucket * bucketLength; i < end; i++) {
      values[i] = Math.min(high, low + (levels[i] ?? 0) * step);
    }
  }
  return values;
}

/** @throws SelvedgeError `out_of_range` with the index of the first value that is out of bounds */
function rangeOf(bucket: Float32Array, start: number): { readonly low: number; readonly high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [index, value] of bucket.entries()) {
    if (!(Math.abs(value) < updateBound)) {
      throw new SelvedgeError(
        "out_of_range",
        `value ${value} at index ${start + index} is not a number between -${updateBound} and ${updateBound}`,
        { at: `update, index ${start + index}` },
      );
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

function checkRange(low: number, high: number, bucket: number): void {
  if (low <= high && -updateBound < low && high < updateBound) return;
  throw new SelvedgeError(
    "out_of_range",
    `bucket ${bucket} from ${low} to ${high} is not within -${updateBound} and ${updateBound}`,
    { at: `update, bucket ${bucket}` },
  );
}

/** Two float32 for each bucket. */
function rangeBytes(values: number): number {
  return 8 * Math.ceil(values / bucketLength);
}

const bucketLength = 1_024;
