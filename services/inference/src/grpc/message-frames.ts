import { SelvedgeError } from "@selvedge/protocol";

/** Takes what arrives of a call apart into its messages ("gRPC over HTTP2", Length-Prefixed-Message). */
export class MessageFrames {
  readonly #messageBytesMax: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** Bytes of the message whose prefix has been read. */
  #length: number | undefined;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Whether all that came has been given out. */
  get empty(): boolean {
    return this.#held === 0;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
  }

  /**
   * The next message that is there in whole: a view of what came, where that was in one piece.
   *
   * @throws SelvedgeError `too_large` as soon as its length is known, `invalid_argument` when it is compressed
   */
  next(): Uint8Array | undefined {
    if (this.#length === undefined) {
      if (this.#held < prefixBytes) return undefined;
      this.#length = messageLength(this.#joined(), this.#messageBytesMax);
    }
    const end = prefixBytes + this.#length;
    if (this.#held < end) return undefined;
    const joined = this.#joined();
    this.#chunks = joined.length === end ? [] : [joined.subarray(end)];
    this.#held -= end;
    this.#length = undefined;
    return joined.subarray(prefixBytes, end);
  }

  #joined(): Uint8Array {
    const [only = new Uint8Array(0), ...more] = this.#chunks;
    if (more.length === 0) return only;
    const joined = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [joined];
    return joined;
  }
}

/** A message with its prefix. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

function messageLength(bytes: Uint8Array, bytesMax: number): number {
  if (bytes[0] !== 0) {
    throw new SelvedgeError("invalid_argument", "a message is compressed", { fix: "send it as it is" });
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (length <= bytesMax) return length;
  throw new SelvedgeError("too_large", `a message has ${length} bytes, at most ${bytesMax} are taken`, {
    fix: "send fewer examples in one request",
  });
}

/** Whether it is compressed, and its length in 4 bytes, big-endian. */
const prefixBytes = 5;
