import type { BlobReference } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";

/**
 * Makes sure that a blob is on this device, whole and verified; an earlier,
 * broken download is continued where it stopped.
 *
 * @throws SelvedgeError `unavailable` when the link breaks, `corrupt` when the bytes are not the blob's.
 */
export async function fetchBlob(
  reference: BlobReference,
  blobs: BlobStore,
  channel: BlobChannel,
  signal: AbortSignal,
): Promise<void> {
  if ((await blobs.stat(reference.digest)) !== undefined) return;
  const offset = await blobs.uploadOffset(reference.digest);
  const sink = async (at: number, chunk: Uint8Array): Promise<void> => {
    await blobs.append(reference, at, chunk);
  };
  await channel.download(reference, offset, sink, signal);
}
