import type { OnnxModel, ParameterLayout } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";

/**
 * Refuses FedDyn where devices share statistics of a BatchNormalization: they have no gradient that
 * it could correct, and its server step would carry a variance beyond its mean, to below 0 (SPEC CS8).
 *
 * @throws SelvedgeError `invalid_argument` naming one of them
 */
export function checkStatistics({ train }: CheckedPlan, model: OnnxModel, shared: ParameterLayout): void {
  if (train.algorithm !== "feddyn") return;
  const normalizations = (model.graph?.node ?? []).filter(({ opType }) => opType === "BatchNormalization");
  const statistics = new Set(normalizations.flatMap(({ input }) => input.slice(3)));
  const found = shared.slots.find(({ name }) => statistics.has(name));
  if (found === undefined) return;
  throw new SelvedgeError("invalid_argument", `feddyn cannot learn the running statistic "${found.name}"`, {
    at: "plan.task.personal",
    fix: "make the statistics personal: `personal: [batch-normalization]`, or use another algorithm",
  });
}
