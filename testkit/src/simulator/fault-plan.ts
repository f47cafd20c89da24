import { SeededRandom } from "@selvedge/protocol";
import {
  drawRates,
  type EpisodeKind,
  type FaultKind,
  type FaultRates,
  type StrikeKind,
} from "./fault-rates.ts";
import type { FleetTrace } from "./fleet-trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface FaultPlanOptions {
  readonly seed: number;
  readonly time: VirtualTime;
  readonly trace: FleetTrace;
  /** How many there are to be struck. */
  readonly machines: number;
  readonly durationMs: number;
}

/** All trouble of one seed, until it ends: then the fleet is left in peace. */
export class FaultPlan {
  readonly #random: SeededRandom;
  readonly #time: VirtualTime;
  readonly #trace: FleetTrace;
  readonly #rates: FaultRates;
  readonly #counts = new Map<FaultKind, number>();
  readonly endsAt: number;

  constructor({ seed, time, trace, machines, durationMs }: FaultPlanOptions) {
    this.#random = SeededRandom.fromSeed("faults", seed);
    this.#time = time;
    this.#trace = trace;
    this.#rates = drawRates(this.#random, machines);
    this.endsAt = time.now + durationMs;
  }

  get active(): boolean {
    return this.#time.now < this.endsAt;
  }

  /** How often each fault struck. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  /** Whether this fault strikes now. */
  strikes(kind: StrikeKind, where: string): boolean {
    if (!this.active) return false;
    const chance = this.#rates.strikes[kind];
    if (chance === 0 || this.#random.uniform() >= chance) return false;
    this.record(kind, where);
    return true;
  }

  /** Calls `strike` when this trouble next comes, if it does before all trouble ends; the result calls it off. */
  next(kind: EpisodeKind, strike: () => void): () => void {
    const mean = this.#rates.episodes[kind];
    if (mean === undefined || !this.active) return () => {};
    // Exponentially distributed: whatever has lasted is as likely to be struck as what is new.
    const ms = Math.ceil(-Math.log(1 - this.#random.uniform()) * mean);
    return this.#time.after(ms, () => {
      if (this.active) strike();
    });
  }

  /** Calls `strike` whenever this trouble comes. */
  each(kind: EpisodeKind, strike: () => void): void {
    this.next(kind, () => {
      strike();
      this.each(kind, strike);
    });
  }

  record(kind: FaultKind, where: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#trace.add(`FAULT ${kind}: ${where}`);
  }

  /** Whole milliseconds, `low` to below `high`. */
  between(low: number, high: number): number {
    return low + this.#random.integer(high - low);
  }

  chance(probability: number): boolean {
    return this.#random.uniform() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.#random.integer(choices.length)] ?? choices[0];
  }
}
