import { limits, SelvedgeError } from "@selvedge/protocol";
import {
  type Accumulator,
  addUpdate,
  type ClientUpdate,
  emptyAccumulator,
  mergeAccumulators,
  type SumIdentity,
} from "../accumulator.ts";
import { checkUpdate, gridStep } from "../grid64.ts";
import type { JsonObject } from "../json-object.ts";
import type {
  AggregateReport,
  Aggregator,
  EncodedUpdate,
  Outgoing,
  RandomSource,
  RoundContext,
  SumRound,
} from "./aggregator.ts";

export type ExactSumConfig = {
  /** A device counts with at most so many examples. */
  readonly weightCap: number;
  /** The most that all weights add up to: they are divided by it before they are summed. */
  readonly normaliser: number;
  readonly parameters: number;
};

/** What tells the aggregators that add up from each other. */
export interface SumRule {
  readonly name: string;
  /** Whether a device counts by its examples, or as one. */
  readonly weighted: boolean;
  /** What is reported: the sum of the updates times their weights, or this by the sum of the weights. */
  readonly result: "mean" | "sum";
}

/** The innermost part of every aggregator that adds up, exactly (see grid64.ts). It keeps no state between rounds. */
export function exactSum({ name, weighted, result }: SumRule): Aggregator<JsonObject, ExactSumConfig> {
  /** As it is added up. */
  const own = (update: ClientUpdate): ClientUpdate => (weighted ? update : { ...update, weight: 1 });
  const cap = (config: ExactSumConfig): number => (weighted ? config.weightCap : 1);

  return {
    name,
    takes: ["vector", "clipped", "subset", "levels"],
    format: "f32",
    bits: [],

    initialState(): JsonObject {
      return {};
    },

    prepare(_state: JsonObject, context: RoundContext): ExactSumConfig {
      const { cohort, maxExamplesPerDevice: weightCap, parameters } = context;
      requireInteger("cohort", cohort, limits.cohortMax);
      return checkConfig(
        { weightCap, normaliser: weighted ? cohort * weightCap : cohort, parameters },
        weighted,
      );
    },

    parseConfig(value: unknown): ExactSumConfig {
      return checkConfig(readConfig(value, name), weighted);
    },

    weigh(config: ExactSumConfig, examples: number): number {
      requireInteger("examples", examples, Number.MAX_SAFE_INTEGER);
      return Math.min(examples, config.weightCap);
    },

    encode(config: ExactSumConfig, { form, values }: Outgoing, _random: RandomSource): EncodedUpdate {
      if (form === "levels") return { body: values, bits: [] };
      if (form !== "subset" && values.length !== config.parameters) {
        throw new SelvedgeError(
          "invalid_argument",
          `an update of ${values.length} values, the offer says ${config.parameters}`,
          { at: "update: length" },
        );
      }
      checkUpdate(values);
      return { body: form === "subset" ? bytesOf(values) : values, bits: [] };
    },

    decode(_config: ExactSumConfig, bytes: Uint8Array): Float32Array {
      if (bytes.length % 4 === 0) return new Float32Array(new Uint8Array(bytes).buffer);
      throw new SelvedgeError("corrupt", `${bytes.length} bytes are no float32 values`, { at: "update" });
    },

    zero(round: SumRound<ExactSumConfig>): Accumulator {
      return emptyAccumulator(identityOf(round));
    },

    accumulate(round: SumRound<ExactSumConfig>, accumulator: Accumulator, update: ClientUpdate): Accumulator {
      checkCap(round.config.weightCap, update.weight, 1);
      if (!weighted) checkWhole(update.weight);
      return addUpdate(identityOf(round), accumulator, own(update));
    },

    merge(round: SumRound<ExactSumConfig>, accumulator: Accumulator, partial: Accumulator): Accumulator {
      checkCap(cap(round.config), partial.weight, partial.contributors.length);
      return mergeAccumulators(identityOf(round), accumulator, partial);
    },

    report(round: SumRound<ExactSumConfig>, accumulator: Accumulator): AggregateReport {
      const { weight, contributors, sum } = accumulator;
      if (weight === 0) {
        throw new SelvedgeError("failed_precondition", "no contribution: there is nothing to report", {
          at: name,
        });
      }
      const factor = round.config.normaliser / (result === "mean" ? weight : 1);
      return {
        result: sum.map((value) => value * factor),
        // One step of the grid as seen in the result: what rounding can cost per contributor is half of it.
        measurements: { weight, contributors: contributors.length, resolution: gridStep * factor },
      };
    },

    next(state: JsonObject, _accumulator: Accumulator): JsonObject {
      return state;
    },
  };
}

/** Little-endian, like the hosts we run on. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** No contribution counts more than its contributors may. */
function checkCap(perDevice: number, weight: number, devices: number): void {
  const cap = perDevice * devices;
  if (weight <= cap) return;
  throw new SelvedgeError("out_of_range", `weight ${weight} exceeds the cap of ${cap}`, {
    at: "contribution: weight",
    fix: `count at most ${perDevice} examples per device`,
  });
}

/** Where it does not count it still says how many examples there were. */
function checkWhole(weight: number): void {
  if (Number.isInteger(weight) && weight >= 1) return;
  throw new SelvedgeError("out_of_range", `weight ${weight} is not an integer from 1`, {
    at: "contribution: weight",
  });
}

function identityOf(round: SumRound<ExactSumConfig>): SumIdentity {
  const { config, configDigest, baseVersion } = round;
  return { configDigest, baseVersion, parameters: config.parameters, normaliser: config.normaliser };
}

function readConfig(value: unknown, name: string): ExactSumConfig {
  const fields = new Map<string, unknown>(
    typeof value === "object" && value !== null ? Object.entries(value) : [],
  );
  if ([...fields.keys()].sort().join() !== "normaliser,parameters,weightCap") {
    throw new SelvedgeError(
      "invalid_argument",
      "a configuration has exactly weightCap, normaliser and parameters",
      { at: `${name} configuration` },
    );
  }
  const number = (field: string): number => {
    const given = fields.get(field);
    return typeof given === "number" ? given : Number.NaN;
  };
  return {
    weightCap: number("weightCap"),
    normaliser: number("normaliser"),
    parameters: number("parameters"),
  };
}

function checkConfig(config: ExactSumConfig, weighted: boolean): ExactSumConfig {
  const { weightCap, normaliser, parameters } = config;
  requireInteger("weightCap", weightCap, limits.normaliserMax);
  requireInteger("normaliser", normaliser, limits.normaliserMax);
  requireInteger("parameters", parameters, limits.parametersMax);
  if (weighted && normaliser % weightCap !== 0) {
    throw new SelvedgeError("invalid_argument", "normaliser is not a multiple of weightCap", {
      at: "aggregator: normaliser",
    });
  }
  return config;
}

function requireInteger(field: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new SelvedgeError("invalid_argument", `${field} is ${value}, not an integer from 1 to ${maximum}`, {
    at: `aggregator: ${field}`,
    ...(field === "normaliser" ? { fix: "lower max_examples_per_device to what devices really hold" } : {}),
  });
}
