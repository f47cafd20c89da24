/**
 * How long a training step of the FedAvg paper's 2NN takes, on random images of
 * MNIST's size. Run with `node bench/training.bench.ts`: a table, and last one
 * line of JSON.
 */
import type { Dataset } from "@selvedge/datasets";
import { buildMlp, parameterLayout, readParameters, trainingGraph } from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession, runTraining } from "@selvedge/runtime";

interface Measurement {
  readonly batchSize: number;
  readonly steps: number;
  /** One epoch, median and best over repetitions. */
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly medianMsPerStep: number;
  readonly bestMsPerStep: number;
}

const examples = 6_000;
const repetitions = 9;

const model = buildMlp({ inputShape: [784], hidden: [200, 200], classes: 10, seed: 1 });
const parameters = readParameters(model, parameterLayout(model));
const dataset = randomImages();
const measurements = [await measure(10), await measure(32)];

console.table(
  measurements.map((m) => ({
    "batch size": m.batchSize,
    steps: m.steps,
    "median s": m.medianSeconds.toFixed(3),
    "best s": m.bestSeconds.toFixed(3),
    "median ms/step": m.medianMsPerStep.toFixed(3),
    "best ms/step": m.bestMsPerStep.toFixed(3),
  })),
);
console.log(JSON.stringify({ benchmark: "training", examples, measurements }));

async function measure(batchSize: number): Promise<Measurement> {
  const graph = trainingGraph(model, {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "uint8",
    scale: dataset.scale,
  });
  const session = await NativeSession.load(graph.bytes);
  const seconds: number[] = [];
  let steps = 0;
  for (let repetition = -1; repetition < repetitions; repetition++) {
    const start = performance.now();
    const result = await runTraining(session, graph, {
      parameters,
      dataset,
      examples: Int32Array.from({ length: examples }, (_, index) => index),
      epochs: 1,
      batchSize,
      learningRate: 0.1,
      seed: repetition,
    });
    // The first repetition fills the runtime's memory arena.
    if (repetition >= 0) seconds.push((performance.now() - start) / 1_000);
    steps = result.steps;
  }
  await session.release();
  seconds.sort((a, b) => a - b);
  const medianSeconds = seconds[Math.floor(seconds.length / 2)] ?? 0;
  const bestSeconds = seconds[0] ?? 0;
  return {
    batchSize,
    steps,
    medianSeconds,
    bestSeconds,
    medianMsPerStep: (1_000 * medianSeconds) / steps,
    bestMsPerStep: (1_000 * bestSeconds) / steps,
  };
}

function randomImages(): Dataset {
  const random = SeededRandom.fromSeed("images");
  return {
    name: "random images",
    length: examples,
    inputShape: [784],
    classes: 10,
    inputs: Uint8Array.from({ length: examples * 784 }, () => random.integer(256)),
    scale: 1 / 255,
    labels: Int32Array.from({ length: examples }, () => random.integer(10)),
  };
}
