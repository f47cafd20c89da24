import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { classTargets } from "@selvedge/datasets";
import { buildZooModel, readParameters, trainingGraph } from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession, runTraining } from "@selvedge/runtime";

const [examples, batchSize, stepsAnEpoch] = [256, 8, 32];
/** Both ways together, of nine blocks after one that fills memory: 36,864 steps. */
const [blocks, epochsABlock] = [9, 64];
/** A kilobyte a step, of a model whose weights alone are sixty. */
const grownMax = 1_024 * 2 * epochsABlock * stepsAnEpoch;

// A file and so a process of its own: what other tests leave behind is not counted.
test("resident memory does not grow over tens of thousands of steps, with many in a call or one", async () => {
  const random = SeededRandom.fromSeed("memory");
  const inputShape = [1, 12, 12];
  const dataset = {
    ...{ name: "noise", length: examples, inputShape, scale: 1 },
    inputs: Float32Array.from({ length: examples * 144 }, () => random.normal()),
    targets: classTargets(
      3,
      Int32Array.from({ length: examples }, () => random.integer(3)),
    ),
  };
  const model = buildZooModel("lenet", { inputShape, classes: 3, seed: 1 });
  const format = { inputType: "float32", scale: 1 } as const;
  const graph = trainingGraph(model, { ...format, loss: "softmax-cross-entropy", optimizer: "sgd" });
  const session = await NativeSession.load(graph.bytes);
  const run = { dataset, examples: Int32Array.from(Array(examples).keys()), batchSize, learningRate: 0.01 };
  let parameters = readParameters(model, graph.layout);
  const train = async (epochs: number, callMs: number): Promise<void> => {
    let time = 0;
    const now = (): number => {
      time += callMs;
      return time;
    };
    const trained = await runTraining(session, graph, { ...run, parameters, epochs, seed: 1, now });
    assert.equal(trained.steps, epochs * stepsAnEpoch);
    parameters = trained.parameters;
  };
  const trainBothWays = async (epochs: number): Promise<void> => {
    // Calls that seem to take a millisecond become long, calls that seem to take a second are of one step.
    await train(epochs, 1);
    await train(epochs, 1_000);
  };
  await trainBothWays(epochsABlock);
  const grown: number[] = [];
  for (let block = 0; block < blocks; block++) {
    const before = await residentBytes();
    await trainBothWays(epochsABlock);
    grown.push((await residentBytes()) - before);
  }
  await session.release();
  // What leaks grows in every block; an allocator that takes another piece of memory does so now and then.
  const median = grown.toSorted((a, b) => a - b)[(blocks - 1) / 2] ?? Number.NaN;
  assert.ok(median < grownMax, `it grew by ${grown.join(", ")} bytes`);
});

/**
 * Of this process, once garbage is collected and finalizers have run. Of V8's own pages only what is used: it keeps
 * those that it emptied, as many as it likes.
 */
async function residentBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("garbage cannot be collected");
  for (let round = 0; round < 3; round++) {
    collect();
    await setImmediate();
  }
  const { total_physical_size: pages, used_heap_size: used } = getHeapStatistics();
  return process.memoryUsage.rss() - pages + used;
}
