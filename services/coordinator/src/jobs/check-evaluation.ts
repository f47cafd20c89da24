import { validateMetrics } from "@selvedge/learning";
import {
  type BlobReference,
  type CheckedPlan,
  evaluationReference,
  type Metrics,
  SelvedgeError,
} from "@selvedge/protocol";

/**
 * What is wrong with what a device measured, in a sentence for it, or null: its body is named, and is
 * its metrics and nothing else (SPEC SU4, EV2).
 */
export function problemWithEvaluation(
  body: BlobReference,
  metrics: Metrics,
  { metrics: allowed }: CheckedPlan,
): string | null {
  try {
    validateMetrics(allowed, metrics);
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    if (error.code === "internal") throw error;
    return error.message;
  }
  const { digest, length } = evaluationReference(metrics);
  return body.digest === digest && body.length === length ? null : "the body is not that of its metrics";
}
