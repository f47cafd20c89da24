import type { ClockSource } from "@selvedge/storage";
import type { VirtualTime } from "./virtual-time.ts";

/** A machine's clocks: one that somebody sets, and one that nobody can. */
export class SimulatedClock implements ClockSource {
  readonly #time: VirtualTime;
  readonly #start: number;
  #offsetMs = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#start = time.now;
  }

  wall(): number {
    return Math.floor(this.#time.now) + this.#offsetMs;
  }

  monotonic(): number {
    return this.#time.now - this.#start;
  }

  /** How far ahead of the true time it is from now on. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}
