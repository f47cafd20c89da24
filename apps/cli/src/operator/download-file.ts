import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type BlobReference, SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import type { BlobChannel } from "@selvedge/transport";

/**
 * Downloads a blob beside `path` and moves it there once it is whole and its
 * digest is right. What an interruption left is continued by the next call.
 *
 * @throws SelvedgeError `untrusted` when the bytes are not the blob's; those of the channel and of the file system.
 */
export async function downloadFile(
  channel: BlobChannel,
  blob: BlobReference,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  // Named by content, so that another version never continues this one.
  const partial = `${path}.${blob.digest.slice("sha256:".length, "sha256:".length + 12)}.part`;
  try {
    await fetchRest(channel, blob, partial, signal);
    await verify(blob, partial);
    await rename(partial, path);
  } catch (thrown) {
    throw fileError(thrown, path);
  }
}

async function fetchRest(
  channel: BlobChannel,
  blob: BlobReference,
  partial: string,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(partial, "a", 0o644);
  try {
    const { size } = await file.stat();
    await channel.download(blob, size, (_offset, chunk) => append(file, chunk), signal);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function append(file: FileHandle, chunk: Uint8Array): Promise<void> {
  await file.appendFile(chunk);
}

async function verify({ digest }: BlobReference, partial: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(partial), hash);
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual === digest) return;
  await rm(partial, { force: true });
  throw new SelvedgeError("untrusted", `the bytes that came have ${actual}, not ${digest}`, {
    at: partial,
    fix: "run the command again; if it lasts, find out who changes the bytes on their way",
  });
}
