import { type OnnxModel, plannedTraining, trainingGraph } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import { trainingCost } from "@selvedge/runtime";

/**
 * Refuses a plan whose model cannot be trained, or takes more memory to train
 * than this coordinator allows (SPEC RE8). Only shapes are looked at; nothing is run.
 *
 * @throws SelvedgeError `unsupported` naming node and operator, `too_large` naming figure and limit
 */
export function checkCost({ train }: CheckedPlan, model: OnnxModel, memoryBytesMax: number): void {
  const { terms, ...settings } = plannedTraining(train);
  const graph = trainingGraph(model, {
    ...settings,
    ...terms,
    inputType: "float32",
    scale: 1,
  });
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
