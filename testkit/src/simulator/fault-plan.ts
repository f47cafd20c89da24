import { SeededRandom } from "@selvedge/protocol";
import type { FleetTrace } from "./fleet-trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Chances of one kind of trouble each, per occasion. */
export interface FaultRates {
  readonly loss: number;
  readonly duplicate: number;
  /** An envelope takes up to 15 s instead of up to 200 ms. */
  readonly delay: number;
  readonly dialFailure: number;
  /** Per chunk of a transfer. */
  readonly transferFailure: number;
  /** Per hook point of a journal. */
  readonly kill: number;
  readonly slowTraining: number;
  readonly trainingFailure: number;
  /** Mean life of a link, milliseconds. */
  readonly linkLifeMs: number;
  /** Mean life of a process, milliseconds. */
  readonly processLifeMs: number;
}

type Striking = Exclude<keyof FaultRates, "linkLifeMs" | "processLifeMs">;

export type FaultKind = Striking | "linkCut" | "powerCut";

/** All trouble of one seed, until it ends: then the fleet is left in peace. */
export class FaultPlan {
  readonly #random: SeededRandom;
  readonly #time: VirtualTime;
  readonly #trace: FleetTrace;
  readonly #endsAt: number;
  readonly rates: FaultRates;
  readonly #counts = new Map<FaultKind, number>();

  constructor(seed: number, time: VirtualTime, durationMs: number, trace: FleetTrace) {
    this.#random = SeededRandom.fromSeed("faults", seed);
    this.#time = time;
    this.#trace = trace;
    this.#endsAt = time.now + durationMs;
    this.rates = drawRates(this.#random);
  }

  get active(): boolean {
    return this.#time.now < this.#endsAt;
  }

  get endsAt(): number {
    return this.#endsAt;
  }

  /** How often each fault struck. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  /** Whether this fault strikes now. */
  strikes(kind: Striking, where: string): boolean {
    if (!this.active || this.#random.uniform() >= this.rates[kind]) return false;
    this.record(kind, where);
    return true;
  }

  record(kind: FaultKind, where: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#trace.add(`FAULT ${kind}: ${where}`);
  }

  /** Whole milliseconds, `low` to below `high`. */
  between(low: number, high: number): number {
    return low + this.#random.integer(high - low);
  }

  /** How long a new link lives; undefined = until one of its ends is done with it. */
  linkLife(): number | undefined {
    return this.#life(this.rates.linkLifeMs);
  }

  /** When a new process loses its power; undefined = never. */
  processLife(): number | undefined {
    return this.#life(this.rates.processLifeMs);
  }

  /** Exponentially distributed: whatever has lasted is as likely to end as what is new. */
  #life(meanMs: number): number | undefined {
    if (!this.active) return undefined;
    return Math.ceil(-Math.log(1 - this.#random.uniform()) * meanMs);
  }
}

/** Some seeds are calm and some are rough, each in its own way. */
function drawRates(random: SeededRandom): FaultRates {
  const upTo = (most: number): number => most * random.uniform() ** 2;
  return {
    loss: upTo(0.4),
    duplicate: upTo(0.3),
    delay: upTo(0.3),
    dialFailure: upTo(0.5),
    transferFailure: upTo(0.2),
    kill: upTo(0.05),
    slowTraining: upTo(0.3),
    trainingFailure: upTo(0.1),
    linkLifeMs: 2_000 + random.integer(60_000),
    processLifeMs: 10_000 + random.integer(300_000),
  };
}
