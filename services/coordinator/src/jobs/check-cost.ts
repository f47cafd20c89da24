import type { TrainingGraph } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import { trainingCost } from "@selvedge/runtime";

/**
 * Refuses a plan whose model takes more memory to train than this coordinator allows (SPEC RE8).
 *
 * @throws SelvedgeError `too_large` naming figure and limit
 */
export function checkCost({ train }: CheckedPlan, graph: TrainingGraph, memoryBytesMax: number): void {
  const { memoryBytes } = trainingCost(graph, train.batchSize);
  if (memoryBytes <= memoryBytesMax) return;
  const [needed, allowed] = [memoryBytes, memoryBytesMax].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
  throw new SelvedgeError(
    "too_large",
    `training this model in batches of ${train.batchSize} takes about ${needed} of memory on every device; ` +
      `this coordinator allows ${allowed}`,
    { at: "plan.model", fix: "use a smaller model or batch, or start the coordinator with --max-memory" },
  );
}
