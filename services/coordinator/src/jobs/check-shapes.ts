import type { BatchGraph } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import { modelMismatch } from "@selvedge/runtime";

/**
 * Refuses a plan whose model takes other examples, or learns other targets, than its
 * dataset has, before anybody trains (SPEC DS4).
 *
 * @throws SelvedgeError `invalid_argument` with both shapes
 */
export function checkShapes({ plan, target }: CheckedPlan, graph: BatchGraph): void {
  const mismatch = modelMismatch(graph, { inputShape: plan.dataset?.inputShape ?? [], target });
  if (mismatch === null) return;
  throw new SelvedgeError("invalid_argument", mismatch, {
    at: "plan.model",
    fix: "give a model that fits the plan's dataset",
  });
}
