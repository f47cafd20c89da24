import type { OnnxModel, ParameterLayout } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";

/**
 * Refuses algorithms that make of updates something else than their mean where devices share
 * statistics of a BatchNormalization: these have no gradient, and a server step that goes beyond
 * their mean would carry a variance to below 0 (SPEC CS8).
 *
 * @throws SelvedgeError `invalid_argument` naming one of them
 */
export function checkStatistics({ train }: CheckedPlan, model: OnnxModel, shared: ParameterLayout): void {
  if (!beyondTheMean.has(train.algorithm)) return;
  const normalizations = (model.graph?.node ?? []).filter(({ opType }) => opType === "BatchNormalization");
  const statistics = new Set(normalizations.flatMap(({ input }) => input.slice(3)));
  const found = shared.slots.find(({ name }) => statistics.has(name));
  if (found === undefined) return;
  throw new SelvedgeError(
    "invalid_argument",
    `${train.algorithm} cannot learn the running statistic "${found.name}"`,
    {
      at: "plan.task.personal",
      fix: "make the statistics personal: `personal: [batch-normalization]`, or use another algorithm",
    },
  );
}

const beyondTheMean: ReadonlySet<string> = new Set(["feddyn", "fednova", "qfedavg"]);
