import { updateBound, validateMetrics } from "@selvedge/learning";
import { decodeSafetensors, type ParameterLayout } from "@selvedge/onnx";
import { type BlobReference, type CheckedPlan, type Metrics, SelvedgeError } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

/**
 * What is wrong with a submission's body or metrics: "missing" when the bytes
 * are not here, a sentence for the device, or null (SPEC SU4 to SU6). Checked
 * before a contribution is accepted, so that a fold does not fail on it.
 *
 * @param updateBytes what an update of the plan has; a body far larger is not read.
 */
export async function problemWith(
  body: BlobReference,
  metrics: Metrics,
  plan: CheckedPlan,
  layout: ParameterLayout,
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
    validateMetrics(plan.metrics, metrics);
    return outOfRange(decodeSafetensors(await blobs.get(body.digest), layout));
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    if (error.code === "internal") throw error;
    return error.at === undefined ? error.message : `${error.at}: ${error.message}`;
  }
}

function outOfRange(values: Float32Array): string | null {
  // Written so that NaN fails too.
  const index = values.findIndex((value) => !(Math.abs(value) < updateBound));
  return index === -1
    ? null
    : `value ${index} is ${values[index]}; magnitudes below ${updateBound} are allowed`;
}
