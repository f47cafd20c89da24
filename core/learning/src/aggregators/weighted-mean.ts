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
import type { AggregateReport, Aggregator, RandomSource, RoundContext, SumRound } from "./aggregator.ts";

export type WeightedMeanConfig = {
  /** A device counts with at most so many examples. */
  readonly weightCap: number;
  /** Cohort times `weightCap`: weights are divided by it before they are summed. */
  readonly normaliser: number;
  readonly parameters: number;
};

/**
 * The mean of updates weighted by their numbers of examples: FederatedAveraging
 * of McMahan et al. (arXiv 1602.05629, algorithm 1), with capped weights and an
 * exact sum. It keeps no state between rounds.
 */
export const weightedMean: Aggregator<JsonObject, WeightedMeanConfig> = {
  name: "weighted-mean",

  initialState(): JsonObject {
    return {};
  },

  prepare(_state: JsonObject, context: RoundContext): WeightedMeanConfig {
    const { cohort, maxExamplesPerDevice, parameters } = context;
    requireInteger("cohort", cohort, limits.cohortMax);
    return checkConfig({
      weightCap: maxExamplesPerDevice,
      normaliser: cohort * maxExamplesPerDevice,
      parameters,
    });
  },

  parseConfig(value: unknown): WeightedMeanConfig {
    const fields = new Map<string, unknown>(
      typeof value === "object" && value !== null ? Object.entries(value) : [],
    );
    if ([...fields.keys()].sort().join() !== "normaliser,parameters,weightCap") {
      throw new SelvedgeError(
        "invalid_argument",
        "a configuration has exactly weightCap, normaliser and parameters",
        { at: "weighted-mean configuration" },
      );
    }
    const number = (field: string): number => {
      const given = fields.get(field);
      return typeof given === "number" ? given : Number.NaN;
    };
    return checkConfig({
      weightCap: number("weightCap"),
      normaliser: number("normaliser"),
      parameters: number("parameters"),
    });
  },

  weigh(config: WeightedMeanConfig, examples: number): number {
    requireInteger("examples", examples, Number.MAX_SAFE_INTEGER);
    return Math.min(examples, config.weightCap);
  },

  encode(config: WeightedMeanConfig, update: Float32Array, _random: RandomSource): Float32Array {
    if (update.length !== config.parameters) {
      throw new SelvedgeError(
        "invalid_argument",
        `an update of ${update.length} values, the offer says ${config.parameters}`,
        { at: "update: length" },
      );
    }
    checkUpdate(update);
    return update;
  },

  zero(round: SumRound<WeightedMeanConfig>): Accumulator {
    return emptyAccumulator(identityOf(round));
  },

  accumulate(
    round: SumRound<WeightedMeanConfig>,
    accumulator: Accumulator,
    update: ClientUpdate,
  ): Accumulator {
    checkCap(round.config, update.weight, 1);
    return addUpdate(identityOf(round), accumulator, update);
  },

  merge(round: SumRound<WeightedMeanConfig>, accumulator: Accumulator, partial: Accumulator): Accumulator {
    checkCap(round.config, partial.weight, partial.contributors.length);
    return mergeAccumulators(identityOf(round), accumulator, partial);
  },

  report(round: SumRound<WeightedMeanConfig>, accumulator: Accumulator): AggregateReport {
    const { weight, contributors, sum } = accumulator;
    if (weight === 0) {
      throw new SelvedgeError("failed_precondition", "no contribution: there is no mean to report", {
        at: "weighted-mean",
      });
    }
    const factor = round.config.normaliser / weight;
    return {
      result: sum.map((value) => value * factor),
      // One step of the grid as seen in the mean: what rounding can cost per contributor is half of it.
      measurements: { weight, contributors: contributors.length, resolution: gridStep * factor },
    };
  },

  next(state: JsonObject, _accumulator: Accumulator): JsonObject {
    return state;
  },
};

/** No contribution counts more than its contributors may. */
function checkCap(config: WeightedMeanConfig, weight: number, devices: number): void {
  const cap = config.weightCap * devices;
  if (weight <= cap) return;
  throw new SelvedgeError("out_of_range", `weight ${weight} exceeds the cap of ${cap}`, {
    at: "contribution: weight",
    fix: `count at most ${config.weightCap} examples per device`,
  });
}

function identityOf(round: SumRound<WeightedMeanConfig>): SumIdentity {
  const { config, configDigest, baseVersion } = round;
  return { configDigest, baseVersion, parameters: config.parameters, normaliser: config.normaliser };
}

function checkConfig(config: WeightedMeanConfig): WeightedMeanConfig {
  const { weightCap, normaliser, parameters } = config;
  requireInteger("weightCap", weightCap, limits.normaliserMax);
  requireInteger("normaliser", normaliser, limits.normaliserMax);
  requireInteger("parameters", parameters, limits.parametersMax);
  if (normaliser % weightCap !== 0) {
    throw new SelvedgeError("invalid_argument", "normaliser is not a multiple of weightCap", {
      at: "weighted-mean: normaliser",
    });
  }
  return config;
}

function requireInteger(field: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new SelvedgeError("invalid_argument", `${field} is ${value}, not an integer from 1 to ${maximum}`, {
    at: `weighted-mean: ${field}`,
    ...(field === "normaliser" ? { fix: "lower max_examples_per_device to what devices really hold" } : {}),
  });
}
