import type { Envelope } from "@selvedge/protocol";
import { createMemoryLink, type Link, type LinkDirection, type MemoryLinkPolicy } from "@selvedge/transport";

/** Whether anything gets through in a direction at the moment. */
export type Path = Record<LinkDirection, boolean>;

export interface LinkWorld {
  readonly after: (ms: number, run: () => void) => void;
  readonly between: (low: number, high: number) => number;
  /** Passes on what was sent, or does not. */
  deliver(envelope: Envelope, direction: LinkDirection, deliverNow: () => void): void;
  latency(): number;
}

/**
 * A connection over a path that may be cut off, in one direction or both. Nobody
 * is told: each end finds out by a ping that is not answered (SPEC SE12).
 */
export class SimulatedLink {
  readonly device: Link;
  readonly coordinator: Link;
  readonly #world: LinkWorld;
  readonly #path: Path;
  /** What this connection itself still carries. */
  readonly #carries: Path = { "to-coordinator": true, "to-device": true };
  #watches = 0;
  readonly #cut: (reason: string) => void;

  constructor(path: Path, world: LinkWorld) {
    this.#path = path;
    this.#world = world;
    const policy: MemoryLinkPolicy = {
      deliver: (envelope, direction, deliverNow) => {
        world.deliver(envelope, direction, () => {
          if (this.#carries[direction]) deliverNow();
        });
      },
      close: (direction, closeNow) => {
        const tell = (): void => {
          if (this.#isOpen(direction)) closeNow();
          else if (this.#carries[direction]) world.after(resendMs, tell);
        };
        world.after(world.latency(), tell);
      },
    };
    const { device, coordinator, cut } = createMemoryLink(policy);
    this.device = device;
    this.coordinator = coordinator;
    this.#cut = cut;
  }

  /** Both ends learn of it at once. */
  cut(reason: string): void {
    this.#cut(reason);
  }

  /** From now on it carries nothing in these directions, and nobody is told. */
  goDeaf(...directions: readonly LinkDirection[]): void {
    for (const direction of directions) this.#carries[direction] = false;
    this.watch();
  }

  /** A ping is sent every 30 s by the coordinator, after 60 s of silence by the device; an answer has 15 s. */
  watch(): void {
    this.#watches += 1;
    this.#closeUnlessAnswered(this.coordinator, this.#world.between(15_000, 45_000));
    this.#closeUnlessAnswered(this.device, this.#world.between(15_000, 75_000));
  }

  #closeUnlessAnswered(end: Link, ms: number): void {
    const watch = this.#watches;
    this.#world.after(ms, () => {
      if (watch !== this.#watches) return;
      if (this.#isOpen("to-coordinator") && this.#isOpen("to-device")) return;
      end.close("a ping was not answered");
    });
  }

  #isOpen(direction: LinkDirection): boolean {
    return this.#carries[direction] && this.#path[direction];
  }
}

/** That an end was closed is sent again until it arrives. */
const resendMs = 5_000;
