import type { BaseMeasures } from "@selvedge/learning";
import { type ParameterLayout, pickTensors, shareParameters, slotOf } from "@selvedge/onnx";
import { traitsOf } from "@selvedge/protocol";
import { compileTraining, evaluateOn, type LocalTask } from "./local-task.ts";
import { checkMemory } from "./training-cost.ts";
import { runTraining } from "./training-loop.ts";
import type { LocalTraining } from "./training-methods.ts";
import type { TrainingParts } from "./training-parts.ts";

/** What a device's algorithm wants to know of the round's base on the examples it trains on; zeros of what it does not. */
export async function measureBase(
  task: LocalTask,
  request: LocalTraining,
  examples: Int32Array,
  parts: TrainingParts,
): Promise<BaseMeasures> {
  const { measures } = traitsOf(request.algorithm?.algorithm ?? "");
  const { memoryBytesMax } = request;
  const loss =
    measures === "loss"
      ? (await evaluateOn(task, request.loss, examples, { ...(memoryBytesMax && { memoryBytesMax }) }, parts))
          .loss
      : 0;
  const gradient =
    measures === "gradient" ? await gradientAt(task, request, examples, parts) : new Float32Array();
  return { loss, gradient };
}

/** Of the mean loss over all examples, where parameters are shared: what one step of SGD takes off, in batches that fit. */
async function gradientAt(
  task: LocalTask,
  request: LocalTraining,
  examples: Int32Array,
  parts: TrainingParts,
): Promise<Float32Array> {
  const { batchSize, frozen, loss, maxExamples, memoryBytesMax, personal = [], rows, seed } = request;
  // The same whatever a device has, so that one graph is compiled for all.
  const accumulate = Math.ceil(maxExamples / batchSize);
  const graph = compileTraining(
    task,
    { loss, optimizer: "sgd", accumulate, ...(frozen && { frozen }) },
    parts,
  );
  checkMemory("training", graph, batchSize, task.data.dataset, memoryBytesMax);
  const run = { parameters: task.base, dataset: task.data.dataset, examples, batchSize, seed };
  const stepped = await parts.withSession(graph, (session) =>
    runTraining(session, graph, { ...run, ...(rows && { rows }), epochs: 1, learningRate: rate }),
  );
  const gradient = stepped.parameters.map((value, index) => ((task.base[index] ?? 0) - value) / rate);
  clearStatistics(graph.statistics, task.layout, gradient);
  return pickTensors(gradient, task.layout, shareParameters(task.model, personal).shared);
}

function clearStatistics(names: ReadonlySet<string>, layout: ParameterLayout, values: Float32Array): void {
  for (const slot of layout.slots) if (names.has(slot.name)) slotOf(values, slot).fill(0);
}

/** So large that what is taken off parameters is not rounded away; a power of 2, so that dividing by it is exact. */
const rate = 1_024;
