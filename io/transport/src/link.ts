import type { Envelope } from "@selvedge/protocol";

/**
 * A two-way pipe of envelopes between two parties, for one session. A link may
 * lose, delay, reorder and duplicate; what must not be lost is journaled above
 * it. Implementations: in-memory pair (here), gRPC (`transport-grpc`).
 *
 * Constraints, checked by `testkit`'s contract suite:
 * - `send` on a closed link MUST be a no-op: the journal will send again.
 * - A close handler MUST be called exactly once, also when the peer closed,
 *   and also when it is registered after the link closed.
 * - After a close handler was called, no envelope is delivered.
 * - An envelope above `limits.envelopeBytesMax` MUST be refused on both sides:
 *   `send` throws `too_large`; a received one closes the link.
 */
export interface Link {
  send(envelope: Envelope): void;
  close(reason: string): void;
  /** One handler; envelopes that came earlier are delivered on registration. */
  onEnvelope(handler: (envelope: Envelope) => void): void;
  /** Any number of handlers: whoever keeps the link up listens beside its user. */
  onClose(handler: (reason: string) => void): void;
}

/**
 * Device side: opens one link, or rejects with `unavailable`,
 * `unauthenticated`, `permission_denied` or `untrusted`. Aborting the signal
 * stops a dial; it does not close a link that is open.
 */
export interface Dialer {
  dial(signal: AbortSignal): Promise<Link>;
}

/** Who is on the other end, as the listener proved it. */
export interface Peer {
  readonly deviceId: string;
}
