import { type BlobReference, digestOf } from "./digest.ts";

/**
 * What stands for the body of an evaluation: its metrics as JSON, by ascending names and without
 * spaces. The submission carries them already, so that nothing is uploaded (SPEC EV2).
 */
export function encodeEvaluation(metrics: Readonly<Record<string, number>>): Uint8Array {
  const byName = Object.entries(metrics).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(byName)));
}

/** By digest and length. */
export function evaluationReference(metrics: Readonly<Record<string, number>>): BlobReference {
  const bytes = encodeEvaluation(metrics);
  return { digest: digestOf(bytes), length: bytes.length };
}
