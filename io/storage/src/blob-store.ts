import type { BlobReference, Digest } from "@selvedge/protocol";

/**
 * Immutable bytes by content.
 *
 * Constraints, checked by `testkit`'s contract suite for each implementation:
 * - A blob MUST become visible only whole, verified against its digest, and
 *   durable (temp file, fsync, rename, fsync of the folder).
 * - An unfinished upload MUST survive a restart and be resumable at its offset.
 * - `finish` MUST reject with `corrupt` and drop the upload when the bytes do
 *   not match.
 * - `delete` of an absent blob MUST succeed.
 */
export interface BlobStore {
  put(bytes: Uint8Array): Promise<BlobReference>;
  stat(digest: Digest): Promise<BlobReference | undefined>;
  /** Whole blob; rejects with `not_found`. */
  get(digest: Digest): Promise<Uint8Array>;
  /** Bytes `start` (inclusive) to `end` (exclusive), streamed. */
  stream(digest: Digest, start: number, end: number): AsyncIterable<Uint8Array>;
  delete(digest: Digest): Promise<void>;
  /** Bytes already received of an unfinished upload; 0 when there is none. */
  uploadOffset(digest: Digest): Promise<number>;
  /**
   * Appends at `offset`; rejects with `conflict` when that is not where the
   * upload stands, and with `too_large` past `length`. When the last byte
   * arrives the blob is verified and becomes visible.
   */
  append(reference: BlobReference, offset: number, chunk: Uint8Array): Promise<number>;
  list(): AsyncIterable<BlobReference>;
}
