import { createHash } from "node:crypto";
import { type BlobReference, SelvedgeError } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";

/**
 * Makes sure that a blob is on this device, whole and verified; an earlier,
 * broken download is continued where it stopped, and what the disk has damaged, or a power cut torn, is fetched anew.
 *
 * @throws SelvedgeError `unavailable` when the link breaks, `corrupt` when the bytes are not the blob's,
 *   `invalid_argument` when the blob is there and has another length than the reference says.
 */
export async function fetchBlob(
  reference: BlobReference,
  blobs: BlobStore,
  channel: BlobChannel,
  signal: AbortSignal,
): Promise<void> {
  const stored = await blobs.stat(reference.digest);
  if (stored !== undefined) {
    if (await isSound(stored, blobs)) {
      if (stored.length === reference.length) return;
      // A blob that others need does not go because somebody says it is longer or shorter.
      throw wrongLength(reference, stored);
    }
    // The disk has changed it: what would be trained from, or served, is not what was signed.
    await blobs.delete(reference.digest);
  }
  const offset = await blobs.uploadOffset(reference.digest);
  const goOn = (from: number): Promise<void> =>
    channel.download(
      reference,
      from,
      async (at, chunk) => {
        await blobs.append(reference, at, chunk);
      },
      signal,
    );
  try {
    // All of it may have arrived before the power went: then it is yet to be seen what it is.
    if (offset >= reference.length) await blobs.append(reference, offset, new Uint8Array(0));
    else await goOn(offset);
  } catch (thrown) {
    if (offset === 0 || SelvedgeError.from(thrown).code !== "corrupt") throw thrown;
    // What a power cut had torn is dropped by now.
    await goOn(0);
  }
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

function wrongLength({ digest, length }: BlobReference, stored: BlobReference): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the blob has ${stored.length} bytes, not ${length}`, {
    at: digest,
    fix: "this is a fault of the coordinator: tell its operator",
  });
}
