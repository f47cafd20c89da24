import { decodeEnvelope, type Envelope, encodeEnvelope, SelvedgeError } from "@selvedge/protocol";
import { type Link, LinkInbox } from "@selvedge/transport";

export interface GrpcLinkOptions {
  /** Bytes that may wait for a slow peer before the link closes. */
  readonly queueBytesMax: number;
  /** Envelopes that may wait for a handler before reading pauses. */
  readonly earlyMax: number;
  /** Called once, when nothing more is to be read. */
  onClosed(): void;
}

export const defaultGrpcLinkOptions: Pick<GrpcLinkOptions, "queueBytesMax" | "earlyMax"> = {
  queueBytesMax: 8_388_608,
  earlyMax: 64,
};

/**
 * One end of a link over a stream of encoded envelopes; which end, and what
 * carries the stream, is for the dialer and the listener to know.
 */
export class GrpcLink implements Link {
  readonly #options: GrpcLinkOptions;
  readonly #inbox = new LinkInbox();
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #wakeWriter: () => void = () => {};
  #wakeReader: () => void = () => {};
  #error: SelvedgeError | undefined;

  constructor(options: GrpcLinkOptions) {
    this.#options = options;
    this.#inbox.onClose(() => {
      this.#wakeWriter();
      this.#wakeReader();
      options.onClosed();
    });
  }

  send(envelope: Envelope): void {
    if (this.#inbox.closed) return;
    const bytes = encodeEnvelope(envelope);
    this.#queue.push(bytes);
    // Each entry costs more than its bytes.
    this.#queuedBytes += bytes.byteLength + entryBytes;
    if (this.#queuedBytes > this.#options.queueBytesMax) this.fail(tooSlow(this.#queuedBytes));
    else this.#wakeWriter();
  }

  /** Why this side closed the link; undefined while it is open or when the peer did. */
  get error(): SelvedgeError | undefined {
    return this.#error;
  }

  /** What was sent before still goes out. */
  close(reason: string): void {
    if (!this.#inbox.closed) this.#error = new SelvedgeError("cancelled", reason);
    this.#inbox.close(reason);
  }

  /** Closes at once; what waits is dropped. */
  fail(error: SelvedgeError): void {
    if (this.#inbox.closed) return;
    this.#error = error;
    this.#queue.length = 0;
    this.#inbox.close(error.message);
  }

  onEnvelope(handler: (envelope: Envelope) => void): void {
    this.#inbox.onEnvelope(handler);
    this.#wakeReader();
  }

  onClose(handler: (reason: string) => void): void {
    this.#inbox.onClose(handler);
  }

  /** Encoded envelopes in order; ends when the link closed and nothing waits. */
  async *outgoing(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#queue.shift();
      if (bytes !== undefined) {
        this.#queuedBytes -= bytes.byteLength + entryBytes;
        yield bytes;
      } else if (this.#inbox.closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
      }
    }
  }

  /** Reads until the peer ends the stream, it breaks, or the link closes. Never rejects. */
  async receive(
    incoming: AsyncIterable<Uint8Array>,
    describe: (thrown: unknown) => SelvedgeError,
  ): Promise<void> {
    try {
      for await (const bytes of incoming) {
        this.#inbox.deliver(decodeEnvelope(bytes));
        if (this.#inbox.waiting >= this.#options.earlyMax) await this.#handlerRegistered();
        if (this.#inbox.closed) return;
      }
      this.#inbox.close("closed by the peer");
    } catch (thrown) {
      this.fail(describe(thrown));
    }
  }

  #handlerRegistered(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
    });
  }
}

const entryBytes = 128;

function tooSlow(bytes: number): SelvedgeError {
  return new SelvedgeError("resource_exhausted", `the peer reads too slowly: ${bytes} bytes wait for it`, {
    fix: "the link opens again by itself; check the peer's network and load",
  });
}
