import type { Digest } from "@selvedge/protocol";
import type { Accumulator, ClientUpdate } from "../accumulator.ts";
import { encodeClientConfig } from "../client-config-codec.ts";
import type { JsonObject } from "../json-object.ts";

/** What the coordinator knows when a round opens. */
export interface RoundContext {
  /** Devices invited. */
  readonly cohort: number;
  readonly maxExamplesPerDevice: number;
  /** Length of an update. */
  readonly parameters: number;
}

/** Randomness as an argument; `SeededRandom` is one, secure noise another. */
export interface RandomSource {
  /** 0 <= x < 1. */
  uniform(): number;
  normal(): number;
}

/** One round's sum: what was offered, and the model version it starts from. */
export interface SumRound<Config extends JsonObject = JsonObject> {
  readonly config: Config;
  readonly configDigest: Digest;
  readonly baseVersion: number;
}

export interface AggregateReport {
  /** Mean update, `parameters` values, to hand to the server optimizer. */
  readonly result: Float64Array;
  /** Measurements of this aggregator; composed aggregators nest theirs. */
  readonly measurements: JsonObject;
}

/**
 * A rule that turns many updates into one, in two halves. State and
 * configuration are plain JSON; vectors are flat, in the model's layout order.
 * (After TensorFlow Federated's aggregators: state is explicit and returned.)
 *
 * Contract, checked by testkit's suite for each implementation: sums are
 * bit-identical in any order and grouping; contributors are counted once; a
 * refused contribution leaves the accumulator as it was.
 */
export interface Aggregator<State extends JsonObject = JsonObject, Config extends JsonObject = JsonObject> {
  readonly name: string;

  /** State before the first round. */
  initialState(): State;
  /** What travels with the offer. @throws SelvedgeError `invalid_argument` */
  prepare(state: State, context: RoundContext): Config;
  /** Checks a configuration from outside. @throws SelvedgeError `invalid_argument` naming the field */
  parseConfig(value: unknown): Config;

  /** Device half: how much a device with so many examples counts. */
  weigh(config: Config, examples: number): number;
  /** Device half: what leaves the device, in the format "f32". May return `update` itself. */
  encode(config: Config, update: Float32Array, random: RandomSource): Float32Array;

  zero(round: SumRound<Config>): Accumulator;
  /** Takes over `accumulator`; go on with the result. */
  accumulate(round: SumRound<Config>, accumulator: Accumulator, update: ClientUpdate): Accumulator;
  /** Takes over `accumulator`; `partial` is only read. */
  merge(round: SumRound<Config>, accumulator: Accumulator, partial: Accumulator): Accumulator;

  /** @throws SelvedgeError `failed_precondition` for an empty sum */
  report(round: SumRound<Config>, accumulator: Accumulator): AggregateReport;
  /** State for the next round. */
  next(state: State, accumulator: Accumulator): State;
}

export function openSumRound<Config extends JsonObject>(
  config: Config,
  baseVersion: number,
): SumRound<Config> {
  return { config, configDigest: encodeClientConfig(config).digest, baseVersion };
}
