import { createHash } from "node:crypto";
import type { VirtualTime } from "./virtual-time.ts";

/** What happened, in order: equal seeds give equal traces. */
export class FleetTrace {
  readonly #time: VirtualTime;
  readonly #start: number;
  readonly #lines: string[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#start = time.now;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  add(text: string): void {
    const seconds = ((this.#time.now - this.#start) / 1_000).toFixed(3);
    this.#lines.push(`${seconds.padStart(9)} ${text}`);
  }

  hash(): string {
    return createHash("sha256").update(this.#lines.join("\n")).digest("hex");
  }
}
