import { createHash } from "node:crypto";
import { type BlobReference, SelvedgeError } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";

/**
 * Makes sure that a blob is on this device, whole and verified; an earlier,
 * broken download is continued where it stopped, and what the disk has damaged is fetched anew.
 *
 * @throws SelvedgeError `unavailable` when the link breaks, `corrupt` when the bytes are not the blob's.
 */
export async function fetchBlob(
  reference: BlobReference,
  blobs: BlobStore,
  channel: BlobChannel,
  signal: AbortSignal,
): Promise<void> {
  if ((await blobs.stat(reference.digest)) !== undefined) {
    if (await isSound(reference, blobs)) return;
    // The disk has changed it: what would be trained from, or served, is not what was signed.
    await blobs.delete(reference.digest);
  }
  const offset = await blobs.uploadOffset(reference.digest);
  const sink = async (at: number, chunk: Uint8Array): Promise<void> => {
    await blobs.append(reference, at, chunk);
  };
  await channel.download(reference, offset, sink, signal);
}

async function isSound({ digest, length }: BlobReference, blobs: BlobStore): Promise<boolean> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of blobs.stream(digest, 0, length)) hash.update(chunk);
  } catch (thrown) {
    if (SelvedgeError.from(thrown).culprit === "environment") throw thrown;
    return false;
  }
  return `sha256:${hash.digest("hex")}` === digest;
}
