import { type BlobReference, digestOf } from "@selvedge/protocol";
import type { Release } from "./release.ts";
import { untrusted } from "./signed-metadata.ts";

/**
 * The last check before a model is installed: that it is, byte for byte, what
 * the release key signed (TUF §5.7.3).
 *
 * @param model - the bytes, or the digest and length measured from a file.
 * @throws SelvedgeError `untrusted` when they differ.
 */
export function verifyRelease(release: Release, model: Uint8Array | BlobReference): void {
  const actual = model instanceof Uint8Array ? { digest: digestOf(model), length: model.length } : model;
  const { blob, name, version } = release;
  if (actual.digest === blob.digest && actual.length === blob.length) return;
  throw untrusted(
    `the model has ${actual.digest} and ${actual.length} bytes; ${blob.digest} and ${blob.length} bytes were signed`,
    `release ${name}@${version}`,
  );
}
