import { decodeEnvelope, type Envelope, encodeEnvelope, SelvedgeError } from "@selvedge/protocol";
import type { Link } from "./link.ts";
import { LinkInbox } from "./link-inbox.ts";

export type LinkDirection = "to-coordinator" | "to-device";

/**
 * What happens to what is sent. Both functions may call back now, later, or
 * never; `deliver` also more than once, or with other bytes.
 */
export interface MemoryLinkPolicy {
  deliver(envelope: Envelope, direction: LinkDirection, deliverNow: (bytes?: Uint8Array) => void): void;
  /** One side closed; the other learns of it when `closeNow` is called. */
  close(direction: LinkDirection, closeNow: () => void): void;
}

export interface MemoryLinkPair {
  readonly device: Link;
  readonly coordinator: Link;
  /** Cuts the cable: both ends close, what is under way is lost. */
  cut(reason: string): void;
}

/** In order, each in its own microtask. */
export const promptDelivery: MemoryLinkPolicy = {
  deliver: (_envelope, _direction, deliverNow) => queueMicrotask(() => deliverNow()),
  close: (_direction, closeNow) => queueMicrotask(closeNow),
};

/**
 * Two ends of a link in one process. Real bytes cross, so limits and codec
 * behave as on a wire; the policy decides about loss, delay and order.
 */
export function createMemoryLink(policy: MemoryLinkPolicy = promptDelivery): MemoryLinkPair {
  const device = new MemoryLink("to-coordinator", policy);
  const coordinator = new MemoryLink("to-device", policy);
  device.connect(coordinator);
  coordinator.connect(device);
  return {
    device,
    coordinator,
    cut(reason) {
      device.closeHere(reason);
      coordinator.closeHere(reason);
    },
  };
}

class MemoryLink implements Link {
  readonly #inbox = new LinkInbox();
  readonly #direction: LinkDirection;
  readonly #policy: MemoryLinkPolicy;
  #peer: MemoryLink | undefined;

  constructor(direction: LinkDirection, policy: MemoryLinkPolicy) {
    this.#direction = direction;
    this.#policy = policy;
  }

  connect(peer: MemoryLink): void {
    this.#peer = peer;
  }

  send(envelope: Envelope): void {
    if (this.#inbox.closed) return;
    const sent = encodeEnvelope(envelope);
    this.#policy.deliver(envelope, this.#direction, (bytes = sent) => this.#peer?.receive(bytes));
  }

  close(reason: string): void {
    if (!this.closeHere(reason)) return;
    this.#policy.close(this.#direction, () => this.#peer?.closeHere(`closed by the peer: ${reason}`));
  }

  onEnvelope(handler: (envelope: Envelope) => void): void {
    this.#inbox.onEnvelope(handler);
  }

  onClose(handler: (reason: string) => void): void {
    this.#inbox.onClose(handler);
  }

  receive(bytes: Uint8Array): void {
    if (this.#inbox.closed) return;
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(bytes);
    } catch (thrown) {
      this.close(SelvedgeError.from(thrown).message);
      return;
    }
    this.#inbox.deliver(envelope);
  }

  closeHere(reason: string): boolean {
    return this.#inbox.close(reason);
  }
}
