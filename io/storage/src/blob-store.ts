import type { BlobReference, Digest } from "@selvedge/protocol";

export interface GetOptions {
  /** Most bytes to hold in memory; default 1 GiB. */
  readonly bytesMax?: number;
}

/**
 * Immutable bytes by content.
 *
 * Constraints, checked by `testkit`'s contract suite for each implementation:
 * - A blob MUST become visible only whole, verified against its digest, and
 *   durable (temp file, fsync, rename, fsync of the folder).
 * - An unfinished upload MUST survive a restart of the process and be
 *   resumable at its offset.
 * - The `append` that brings the last byte MUST verify the upload, and reject
 *   with `corrupt` and drop it when the bytes do not match.
 * - Once a blob is there, `append` and `put` MUST change nothing and succeed:
 *   repeating a call whose answer was lost is harmless.
 * - `delete` MUST also drop an unfinished upload; of an absent blob it MUST
 *   succeed.
 * - Digests and lengths come from outside: a digest that is not one MUST be
 *   refused with `invalid_argument` before it is used in a path, a length past
 *   `limits.blobBytesMax` with `too_large`.
 * - A full disk MUST reject with `resource_exhausted`; what was received stays
 *   resumable.
 *
 * One process writes a store; any number may read it.
 */
export interface BlobStore {
  put(bytes: Uint8Array): Promise<BlobReference>;
  stat(digest: Digest): Promise<BlobReference | undefined>;
  /**
   * Whole blob, verified again; rejects with `not_found`, with `too_large` past
   * `bytesMax`, with `corrupt` when it changed on disk.
   */
  get(digest: Digest, options?: GetOptions): Promise<Uint8Array>;
  /**
   * Bytes `start` (inclusive) to `end` (exclusive), in chunks of at most 1 MiB;
   * rejects with `not_found`, and with `out_of_range` outside the blob.
   */
  stream(digest: Digest, start: number, end: number): AsyncIterable<Uint8Array>;
  delete(digest: Digest): Promise<void>;
  /** Bytes already received of an unfinished upload; 0 when there is none. */
  uploadOffset(digest: Digest): Promise<number>;
  /**
   * Appends at `offset` and answers where the upload stands now: at
   * `reference.length` it is done. Rejects with `conflict` when the upload does
   * not stand at `offset`, and with `too_large` past `length`. When the last
   * byte arrives the blob is verified and becomes visible.
   */
  append(reference: BlobReference, offset: number, chunk: Uint8Array): Promise<number>;
  /** Every visible blob, by ascending digest. */
  list(): AsyncIterable<BlobReference>;
  /** Every unfinished upload with the bytes received, by ascending digest. */
  uploads(): AsyncIterable<BlobReference>;
}
