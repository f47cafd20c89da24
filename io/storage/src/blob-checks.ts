import { type BlobReference, limits, parseDigest, SelvedgeError } from "@selvedge/protocol";

/** @throws SelvedgeError `invalid_argument`, `too_large` */
export function checkReference({ digest, length }: BlobReference): void {
  parseDigest(digest, "blob digest");
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new SelvedgeError("invalid_argument", `blob length ${length}`, {
      at: digest,
      fix: "give its bytes as a whole number of 0 or more",
    });
  }
  if (length > limits.blobBytesMax) throw tooLarge(digest, length, limits.blobBytesMax, "split the blob");
}

/** @throws SelvedgeError `conflict`, `too_large` */
export function checkAppend(
  { digest, length }: BlobReference,
  offset: number,
  chunkBytes: number,
  standing: number,
): void {
  if (offset !== standing) {
    throw new SelvedgeError("conflict", `the upload stands at byte ${standing}, not ${offset}`, {
      at: digest,
      fix: `go on from byte ${standing}`,
    });
  }
  if (offset + chunkBytes > length) {
    throw tooLarge(digest, offset + chunkBytes, length, "send no more than the declared length");
  }
}

/**
 * Whether an upload has all its bytes and was never published: it was cut off after
 * the last, or a power cut tore it at its full length. Only its bytes can tell.
 */
export function isComplete(standing: number, length: number): boolean {
  return standing === length && length > 0;
}

/** @throws SelvedgeError `out_of_range` */
export function checkRange({ digest, length }: BlobReference, start: number, end: number): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end;
  if (isRange && end <= length) return;
  throw new SelvedgeError("out_of_range", `bytes ${start} to ${end} of a blob of ${length}`, {
    at: digest,
    fix: `ask for bytes between 0 and ${length}`,
  });
}

/** @throws SelvedgeError `too_large` */
export function checkFitsInMemory({ digest, length }: BlobReference, bytesMax: number): void {
  if (length > bytesMax) throw tooLarge(digest, length, bytesMax, "stream it instead");
}

export function blobNotFound(digest: string): SelvedgeError {
  return new SelvedgeError("not_found", "no such blob", { at: digest, fix: "upload or download it first" });
}

export function blobCorrupt(digest: string, fix: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the bytes do not match their digest", { at: digest, fix });
}

function tooLarge(digest: string, bytes: number, bytesMax: number, fix: string): SelvedgeError {
  return new SelvedgeError("too_large", `${bytes} bytes, more than ${bytesMax}`, { at: digest, fix });
}
