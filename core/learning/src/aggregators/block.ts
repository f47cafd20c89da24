import { SelvedgeError } from "@selvedge/protocol";
import type { Accumulator } from "../accumulator.ts";
import type { JsonObject } from "../json-object.ts";
import type {
  AggregateReport,
  Aggregator,
  EncodedUpdate,
  Outgoing,
  RandomSource,
  RoundContext,
  SumRound,
  UpdateForm,
} from "./aggregator.ts";

/** What a block's device half makes of an update. */
export interface BlockOutput<Gives extends UpdateForm> {
  readonly values: Outgoing<Gives>["values"];
  readonly bits: readonly boolean[];
  /** Travels in front of what is inside; only of blocks that `decode`. */
  readonly head?: Uint8Array;
}

/** How many contributors there were, and how many of them had each of the block's bits set. */
export interface Counted {
  readonly contributors: number;
  readonly counts: readonly number[];
}

/**
 * One step around an aggregator: on the device it comes before what is inside,
 * on the server after it. A block sees only its own state, configuration and counts.
 */
export interface Block<
  State extends JsonObject = JsonObject,
  Config extends JsonObject = JsonObject,
  Takes extends UpdateForm = UpdateForm,
  Gives extends UpdateForm = UpdateForm,
> {
  readonly name: string;
  readonly takes: readonly Takes[];
  readonly gives: Gives;
  readonly bits: readonly string[];

  initialState(): State;
  /** @param values how many values of an update there still are where this block stands */
  prepare(state: State, values: number): Config;
  /** @throws SelvedgeError `invalid_argument` naming the field */
  parseConfig(value: unknown): Config;
  /** How many values there are inside; absent = as many. */
  valuesInside?(values: number): number;

  encode(config: Config, values: Outgoing<Takes>["values"], random: RandomSource): BlockOutput<Gives>;
  /**
   * Where it gives what is not one value per parameter: back from bytes.
   *
   * @param inside what is inside makes of bytes
   * @throws SelvedgeError `corrupt` or `out_of_range`
   */
  decode?(config: Config, bytes: Uint8Array, inside: (bytes: Uint8Array) => Float32Array): Float32Array;

  /** Its part of the report, from that of what is inside. */
  report(config: Config, inside: AggregateReport, counted: Counted): AggregateReport;
  next(state: State, counted: Counted): State;
}

/** Refuses an inner aggregator that does not take what the block gives, with a sentence in its type. */
type Fits<Gives extends UpdateForm, Inner extends Aggregator> = Gives extends Inner["takes"][number]
  ? unknown
  : { readonly doesNotFit: `it does not take an update that is a "${Gives}"` };

/**
 * A block composed with what it is around: an aggregator again. The order in which calls nest is the order in
 * which an update meets the blocks.
 *
 * @throws SelvedgeError `invalid_argument` when the two do not fit, which for known types the compiler says
 */
export function around<
  State extends JsonObject,
  Config extends JsonObject,
  Takes extends UpdateForm,
  Gives extends UpdateForm,
  Inner extends Aggregator,
>(
  block: Block<State, Config, Takes, Gives>,
  inner: Inner & Fits<Gives, Inner>,
): Aggregator<JsonObject, JsonObject, Takes> {
  checkFit(block, inner);
  return new Composition(block, inner);
}

class Composition<
  State extends JsonObject,
  Config extends JsonObject,
  Takes extends UpdateForm,
  Gives extends UpdateForm,
> implements Aggregator<JsonObject, JsonObject, Takes>
{
  readonly name: string;
  readonly takes: readonly Takes[];
  readonly format: Aggregator["format"];
  readonly bits: readonly string[];
  readonly #block: Block<State, Config, Takes, Gives>;
  readonly #inner: Aggregator;

  constructor(block: Block<State, Config, Takes, Gives>, inner: Aggregator) {
    this.#block = block;
    this.#inner = inner;
    this.name = block.name;
    this.takes = block.takes;
    this.format = block.decode === undefined ? inner.format : "packed";
    this.bits = [...block.bits.map((bit) => `${block.name}.${bit}`), ...inner.bits];
  }

  initialState(): JsonObject {
    return this.#pair(this.#block.initialState(), this.#inner.initialState());
  }

  prepare(state: JsonObject, context: RoundContext): JsonObject {
    const { values = context.parameters } = context;
    const inside = { ...context, values: this.#block.valuesInside?.(values) ?? values };
    return this.#pair(
      this.#block.prepare(this.#ownState(state), values),
      this.#inner.prepare(innerOf(state), inside),
    );
  }

  parseConfig(value: unknown): JsonObject {
    const { name } = this.#block;
    const fields = new Map<string, unknown>(
      typeof value === "object" && value !== null ? Object.entries(value) : [],
    );
    if ([...fields.keys()].sort().join() !== [name, "inner"].sort().join()) {
      throw new SelvedgeError("invalid_argument", `a configuration has exactly ${name} and inner`, {
        at: `${name} configuration`,
      });
    }
    return this.#pair(
      this.#block.parseConfig(fields.get(name)),
      this.#inner.parseConfig(fields.get("inner")),
    );
  }

  weigh(config: JsonObject, examples: number): number {
    return this.#inner.weigh(innerOf(config), examples);
  }

  encode(config: JsonObject, { values }: Outgoing<Takes>, random: RandomSource): EncodedUpdate {
    const { gives } = this.#block;
    const made = this.#block.encode(this.#ownConfig(config), values, random);
    const outgoing = { form: gives, values: made.values } as Outgoing;
    const { body, bits } = this.#inner.encode(innerOf(config), outgoing, random);
    return {
      body: made.head === undefined ? body : Buffer.concat([made.head, bytesOf(body)]),
      bits: [...made.bits, ...bits],
    };
  }

  decode(config: JsonObject, bytes: Uint8Array): Float32Array {
    const inside = (rest: Uint8Array): Float32Array => this.#inner.decode(innerOf(config), rest);
    return this.#block.decode?.(this.#ownConfig(config), bytes, inside) ?? inside(bytes);
  }

  zero(round: SumRound): Accumulator {
    const zero = this.#inner.zero(inside(round));
    const counts = [...this.#block.bits.map(() => 0), ...(zero.counts ?? [])];
    return counts.length === 0 ? zero : { ...zero, counts };
  }

  accumulate(
    round: SumRound,
    accumulator: Accumulator,
    update: Parameters<Aggregator["accumulate"]>[2],
  ): Accumulator {
    return this.#inner.accumulate(inside(round), accumulator, update);
  }

  merge(round: SumRound, accumulator: Accumulator, partial: Accumulator): Accumulator {
    return this.#inner.merge(inside(round), accumulator, partial);
  }

  report(round: SumRound, accumulator: Accumulator): AggregateReport {
    const { name } = this.#inner;
    const { result, measurements } = this.#inner.report(inside(round), this.#innerSum(accumulator));
    const nested = { result, measurements: { [name]: measurements } };
    return this.#block.report(this.#ownConfig(round.config), nested, this.#counted(accumulator));
  }

  next(state: JsonObject, accumulator: Accumulator): JsonObject {
    return this.#pair(
      this.#block.next(this.#ownState(state), this.#counted(accumulator)),
      this.#inner.next(innerOf(state), this.#innerSum(accumulator)),
    );
  }

  #pair(own: JsonObject, inner: JsonObject): JsonObject {
    return { [this.#block.name]: own, inner };
  }

  /** Made by this block's `initialState` or `next`. */
  #ownState(state: JsonObject): State {
    return state[this.#block.name] as State;
  }

  /** Made by this block's `prepare` or `parseConfig`. */
  #ownConfig(config: JsonObject): Config {
    return config[this.#block.name] as Config;
  }

  #counted({ contributors, counts = [] }: Accumulator): Counted {
    return { contributors: contributors.length, counts: counts.slice(0, this.#block.bits.length) };
  }

  #innerSum({ counts = [], ...accumulator }: Accumulator): Accumulator {
    return { ...accumulator, counts: counts.slice(this.#block.bits.length) };
  }
}

function inside(round: SumRound): SumRound {
  return { ...round, config: innerOf(round.config) };
}

/** Of a state or configuration that `Composition` made. */
function innerOf(nested: JsonObject): JsonObject {
  return nested.inner as JsonObject;
}

function bytesOf(body: Float32Array | Uint8Array): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}

function checkFit(block: Block, inner: Aggregator): void {
  if (inner.takes.includes(block.gives)) return;
  throw new SelvedgeError(
    "invalid_argument",
    `"${block.name}" gives an update that is a "${block.gives}", which "${inner.name}" does not take`,
    { at: "aggregator", fix: `put "${block.name}" after "${inner.name}"` },
  );
}
