import { readBits, updateBound, validateMetrics } from "@selvedge/learning";
import { type CheckedPlan, SelvedgeError, type SubmissionFacts } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import { readUpdate, type UpdateReading } from "./read-update.ts";

/**
 * What is wrong with a submission's body, metrics or bits: "missing" when the bytes
 * are not here, a sentence for the device, or null (SPEC SU4 to SU6, AG11). Checked
 * before a contribution is accepted, so that a fold does not fail on it.
 *
 * @param updateBytes what an update of the plan has; a body far larger is not read.
 */
export async function problemWith(
  { body, metrics, bits = {} }: Pick<SubmissionFacts, "body" | "metrics" | "bits">,
  { metrics: allowed }: Pick<CheckedPlan, "metrics">,
  reading: UpdateReading,
  updateBytes: number,
  blobs: BlobStore,
): Promise<string | null> {
  if (body.length > updateBytes * 2) {
    return `the body has ${body.length} bytes; an update of this plan has ${updateBytes}`;
  }
  const stored = await blobs.stat(body.digest);
  if (stored === undefined) return "missing";
  if (stored.length !== body.length) return `the body has ${stored.length} bytes, not ${body.length}`;
  try {
    validateMetrics(allowed, metrics);
    readBits(reading.aggregator, bits);
    return outOfRange(readUpdate(await blobs.get(body.digest), reading));
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    if (error.code === "internal") throw error;
    return error.at === undefined ? error.message : `${error.at}: ${error.message}`;
  }
}

function outOfRange(values: Float32Array): string | null {
  // A loop: with a callback a million values take several times as long.
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    // Written so that NaN fails too.
    if (Math.abs(value) < updateBound) continue;
    return `value ${index} is ${value}; magnitudes below ${updateBound} are allowed`;
  }
  return null;
}
