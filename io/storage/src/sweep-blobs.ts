import type { Digest } from "@selvedge/protocol";
import type { BlobStore } from "./blob-store.ts";

/**
 * Deletes every blob that nothing names any more: what a crash, or work that
 * was called off, left behind. Only safe while nobody stores new ones.
 *
 * @returns how many were deleted.
 */
export async function sweepBlobs(blobs: BlobStore, needed: ReadonlySet<string>): Promise<number> {
  const orphans: Digest[] = [];
  for await (const { digest } of blobs.list()) {
    if (!needed.has(digest)) orphans.push(digest);
  }
  for (const digest of orphans) await blobs.delete(digest);
  return orphans.length;
}
