import type { Envelope } from "@selvedge/protocol";

/**
 * The receiving half every Link implementation needs: holds early envelopes
 * until there is a handler, and closes once.
 */
export class LinkInbox {
  #handler: ((envelope: Envelope) => void) | undefined;
  #early: Envelope[] = [];
  #closeHandlers: ((reason: string) => void)[] = [];
  #closeReason: string | undefined;

  get closed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** Envelopes that wait for a handler. */
  get waiting(): number {
    return this.#early.length;
  }

  /** Hands an envelope to the handler; drops it once closed. */
  deliver(envelope: Envelope): void {
    if (this.closed) return;
    if (this.#handler === undefined) this.#early.push(envelope);
    else this.#handler(envelope);
  }

  /** @returns whether this call closed it; later calls do nothing. */
  close(reason: string): boolean {
    if (this.closed) return false;
    this.#closeReason = reason;
    this.#early = [];
    const handlers = this.#closeHandlers;
    this.#closeHandlers = [];
    for (const handler of handlers) handler(reason);
    return true;
  }

  onEnvelope(handler: (envelope: Envelope) => void): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const envelope of early) this.deliver(envelope);
  }

  onClose(handler: (reason: string) => void): void {
    if (this.#closeReason === undefined) this.#closeHandlers.push(handler);
    else handler(this.#closeReason);
  }
}
