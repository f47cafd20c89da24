import { createHash } from "node:crypto";
import { SelvedgeError } from "./errors.ts";

/** Content address: "sha256:" and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** @throws SelvedgeError `invalid_argument` when the text is not a digest. */
export function parseDigest(text: string, at: string): Digest {
  if (isDigest(text)) return text;
  throw new SelvedgeError("invalid_argument", `not a SHA-256 digest: "${text.slice(0, 80)}"`, {
    at,
    fix: 'give it as "sha256:" and 64 lower-case hexadecimal digits',
  });
}

/** Bytes named by content, with their length. */
export interface BlobReference {
  readonly digest: Digest;
  /** Bytes. */
  readonly length: number;
}
