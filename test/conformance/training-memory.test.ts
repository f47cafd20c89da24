import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { buildZooModel, readParameters, trainingGraph } from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession, runTraining } from "@selvedge/runtime";

const [examples, batchSize, stepsAnEpoch] = [256, 8, 32];
/** Both ways together, of five blocks: 10,240 steps. */
const epochsABlock = 32;
/** Half a kilobyte a step, of a model whose weights alone are sixty. */
const grownMax = 512 * 2 * epochsABlock * stepsAnEpoch;

// A file and so a process of its own: what other tests leave behind is not counted.
test("resident memory does not grow over 10,000 steps, with many in a call or one", async () => {
  const random = SeededRandom.fromSeed("memory");
  const inputShape = [1, 12, 12];
  const dataset = {
    ...{ name: "noise", length: examples, inputShape, classes: 3, scale: 1 },
    inputs: Float32Array.from({ length: examples * 144 }, () => random.normal()),
    labels: Int32Array.from({ length: examples }, () => random.integer(3)),
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
  await trainBothWays(20);
  const grown: number[] = [];
  for (let block = 0; block < 5; block++) {
    const before = residentBytes();
    await trainBothWays(epochsABlock);
    grown.push(residentBytes() - before);
  }
  await session.release();
  // What leaks grows in every block; an allocator that takes another piece of memory does so now and then.
  const [, , median = Number.NaN] = grown.toSorted((a, b) => a - b);
  assert.ok(median < grownMax, `it grew by ${grown.join(", ")} bytes`);
});

/** Of this process, once its garbage is collected. */
function residentBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new TypeError("garbage cannot be collected");
  collect();
  return process.memoryUsage.rss();
}
