import { type BlobReference, parseDigest } from "./digest.ts";
import { SelvedgeError } from "./errors.ts";
import type { BlobRef } from "./gen/selvedge/v1/model_pb.js";
import { limits } from "./limits.ts";

/**
 * Checks a blob reference from the wire.
 *
 * @throws SelvedgeError `invalid_argument` for a malformed digest, `too_large` for a length out of range.
 */
export function blobReferenceOf(reference: BlobRef | undefined, at: string): BlobReference {
  const digest = parseDigest(reference?.digest ?? "", at);
  const length = Number(reference?.length ?? 0n);
  if (length < 1 || length > limits.blobBytesMax) {
    throw new SelvedgeError("too_large", `${length} bytes; 1 to ${limits.blobBytesMax} are allowed`, { at });
  }
  return { digest, length };
}
