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
  /** How many values of it there still are where a part of a composition stands; absent = all. */
  readonly values?: number;
}

/** Randomness as an argument; `SeededRandom` is one, secure noise another. */
export interface RandomSource {
  /** 0 <= x < 1. */
  uniform(): number;
  normal(): number;
}

/**
 * What an update is on its way out of a device: a "vector" of one value per parameter, the same
 * "clipped" to a norm, a "subset" of its values, or these as "levels", packed.
 */
export type UpdateForm = "vector" | "clipped" | "subset" | "levels";

export type Outgoing<Form extends UpdateForm = UpdateForm> = Form extends "levels"
  ? { readonly form: Form; readonly values: Uint8Array }
  : { readonly form: Form; readonly values: Float32Array };

/** What leaves a device for one round, beside its weight and metrics. */
export interface EncodedUpdate {
  /** The values in layout order where the aggregator's format is "f32"; else its own bytes. */
  readonly body: Float32Array | Uint8Array;
  /** One answer for each of the aggregator's `bits`. */
  readonly bits: readonly boolean[];
}

/** How the bytes of an update are to be read: as float32 by name and shape, or by the aggregator's `decode`. */
export type WireFormat = "f32" | "packed";

/** One round's sum: what was offered, and the model version it starts from. */
export interface SumRound<Config extends JsonObject = JsonObject> {
  readonly config: Config;
  readonly configDigest: Digest;
  readonly baseVersion: number;
}

export interface AggregateReport {
  /** Mean update, `parameters` values, to hand to the server optimizer. */
  readonly result: Float64Array;
  /** Measurements of this aggregator; those of what it is around stand in it under that one's name. */
  readonly measurements: JsonObject;
}

/**
 * A rule that turns many updates into one, in two halves. State and
 * configuration are plain JSON; vectors are flat, in the model's layout order.
 * (After TensorFlow Federated's aggregators: state is explicit and returned,
 * state and measurements nest, the result flows through. `around` composes them.)
 *
 * Contract, checked by testkit's suite for each implementation: sums are
 * bit-identical in any order and grouping; contributors are counted once; a
 * refused contribution leaves the accumulator as it was.
 */
export interface Aggregator<
  State extends JsonObject = JsonObject,
  Config extends JsonObject = JsonObject,
  Takes extends UpdateForm = UpdateForm,
> {
  readonly name: string;
  /** Forms of an update that its device half takes. */
  readonly takes: readonly Takes[];
  readonly format: WireFormat;
  /** Questions that each device answers with a bit beside its update, each named once. */
  readonly bits: readonly string[];

  /** State before the first round. */
  initialState(): State;
  /** What travels with the offer. @throws SelvedgeError `invalid_argument` */
  prepare(state: State, context: RoundContext): Config;
  /** Checks a configuration from outside. @throws SelvedgeError `invalid_argument` naming the field */
  parseConfig(value: unknown): Config;

  /** Device half: how much a device with so many examples counts. */
  weigh(config: Config, examples: number): number;
  /** Device half: what leaves the device. A body in "f32" may be `update`'s own values. */
  encode(config: Config, update: Outgoing<Takes>, random: RandomSource): EncodedUpdate;

  /**
   * Server half of the format "packed": what `encode` made, as one value per parameter.
   *
   * @throws SelvedgeError `corrupt` or `out_of_range` for bytes that it cannot have made
   */
  decode(config: Config, bytes: Uint8Array): Float32Array;
  zero(round: SumRound<Config>): Accumulator;
  /** Takes over `accumulator`; go on with the result. */
  accumulate(round: SumRound<Config>, accumulator: Accumulator, update: ClientUpdate): Accumulator;
  /** Takes over `accumulator`; `partial` is only read. */
  merge(round: SumRound<Config>, accumulator: Accumulator, partial: Accumulator): Accumulator;

  /** @throws SelvedgeError `failed_precondition` for an empty sum */
  report(round: SumRound<Config>, accumulator: Accumulator): AggregateReport;
  /** State for the next round, from that which `prepare` was given for this one. */
  next(state: State, accumulator: Accumulator): State;
}

export function openSumRound<Config extends JsonObject>(
  config: Config,
  baseVersion: number,
): SumRound<Config> {
  return { config, configDigest: encodeClientConfig(config).digest, baseVersion };
}
