import { type BlobReference, type Digest, digestOf, limits, parseDigest } from "@selvedge/protocol";
import {
  blobCorrupt,
  blobNotFound,
  checkAppend,
  checkFitsInMemory,
  checkRange,
  checkReference,
  isComplete,
} from "./blob-checks.ts";
import type { BlobStore, GetOptions } from "./blob-store.ts";

/** What stands for the disk: pass the same maps to a new store to "restart" on it. */
export interface MemoryBlobs {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly uploads: Map<Digest, Uint8Array>;
}

/** A blob store in memory. */
export function openMemoryBlobStore(disk: MemoryBlobs = { blobs: new Map(), uploads: new Map() }): BlobStore {
  return new MemoryBlobStore(disk);
}

class MemoryBlobStore implements BlobStore {
  readonly #blobs: Map<Digest, Uint8Array>;
  readonly #uploads: Map<Digest, Uint8Array>;

  constructor({ blobs, uploads }: MemoryBlobs) {
    this.#blobs = blobs;
    this.#uploads = uploads;
  }

  async put(bytes: Uint8Array): Promise<BlobReference> {
    const reference = { digest: digestOf(bytes), length: bytes.length };
    checkReference(reference);
    if (!this.#blobs.has(reference.digest)) this.#blobs.set(reference.digest, bytes.slice());
    this.#uploads.delete(reference.digest);
    return reference;
  }

  async stat(digest: Digest): Promise<BlobReference | undefined> {
    const bytes = this.#blobs.get(parseDigest(digest, "blob digest"));
    return bytes && { digest, length: bytes.length };
  }

  async get(
    digest: Digest,
    { bytesMax = limits.blobInMemoryBytesMax }: GetOptions = {},
  ): Promise<Uint8Array> {
    const bytes = this.#whole(digest);
    checkFitsInMemory({ digest, length: bytes.length }, bytesMax);
    return bytes.slice();
  }

  async *stream(digest: Digest, start: number, end: number): AsyncIterable<Uint8Array> {
    const bytes = this.#whole(digest);
    checkRange({ digest, length: bytes.length }, start, end);
    for (let at = start; at < end; at += limits.blobChunkBytes) {
      yield bytes.slice(at, Math.min(end, at + limits.blobChunkBytes));
    }
  }

  async delete(digest: Digest): Promise<void> {
    parseDigest(digest, "blob digest");
    this.#blobs.delete(digest);
    this.#uploads.delete(digest);
  }

  async uploadOffset(digest: Digest): Promise<number> {
    return this.#uploads.get(parseDigest(digest, "blob digest"))?.length ?? 0;
  }

  async append(reference: BlobReference, offset: number, chunk: Uint8Array): Promise<number> {
    checkReference(reference);
    const { digest, length } = reference;
    const whole = this.#blobs.get(digest);
    if (whole !== undefined) return whole.length;
    const received = this.#uploads.get(digest) ?? new Uint8Array(0);
    const isCut = isComplete(received.length, length);
    if (!isCut) checkAppend(reference, offset, chunk.length, received.length);
    const bytes = isCut ? received : new Uint8Array(Buffer.concat([received, chunk]));
    if (bytes.length < length) {
      this.#uploads.set(digest, bytes);
      return bytes.length;
    }
    this.#uploads.delete(digest);
    if (digestOf(bytes) !== digest) throw blobCorrupt(digest, "upload it again from the start");
    this.#blobs.set(digest, bytes);
    return length;
  }

  async *list(): AsyncIterable<BlobReference> {
    for (const digest of [...this.#blobs.keys()].sort()) {
      const reference = await this.stat(digest);
      if (reference !== undefined) yield reference;
    }
  }

  async *uploads(): AsyncIterable<BlobReference> {
    for (const [digest, { length }] of [...this.#uploads].sort()) yield { digest, length };
  }

  #whole(digest: Digest): Uint8Array {
    const bytes = this.#blobs.get(parseDigest(digest, "blob digest"));
    if (bytes === undefined) throw blobNotFound(digest);
    return bytes;
  }
}
