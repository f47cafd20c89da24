import type { BlobReference } from "@selvedge/protocol";

/** Device side of bulk bytes: content-addressed, verified, resumable. */
export interface BlobChannel {
  /**
   * Uploads what the coordinator does not have yet, from where it stands.
   * Resolves once the coordinator holds the whole blob durably.
   */
  upload(
    reference: BlobReference,
    read: (start: number, end: number) => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Appends to `sink` from `offset` on, in ranges of `limits.blobChunkBytes`.
   * The sink verifies the whole; a broken link rejects with `unavailable` and
   * a later call goes on from the new offset.
   */
  download(
    reference: BlobReference,
    offset: number,
    sink: (offset: number, chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}
