/**
 * How long a training step of the FedAvg paper's 2NN and CNN takes, on random
 * images of MNIST's size. Run with `node bench/training.bench.ts`: a table, and last one
 * line of JSON.
 */
import type { Dataset } from "@selvedge/datasets";
import {
  buildCnn,
  buildMlp,
  fedAvgCnn,
  type OnnxModel,
  parameterLayout,
  readParameters,
  trainingGraph,
} from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession, runTraining } from "@selvedge/runtime";

interface Measurement {
  readonly model: string;
  readonly batchSize: number;
  readonly steps: number;
  /** One epoch, median and best over repetitions. */
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly medianMsPerStep: number;
  readonly bestMsPerStep: number;
}

const repetitions = 9;

const twoNn = buildMlp({ inputShape: [784], hidden: [200, 200], classes: 10, seed: 1 });
const cnn = buildCnn({ ...fedAvgCnn, seed: 1 });
const measurements = [
  await measure("2NN", twoNn, 6_000, 10),
  await measure("2NN", twoNn, 6_000, 32),
  await measure("CNN", cnn, 600, 10),
  await measure("CNN", cnn, 960, 32),
];

console.table(
  measurements.map((m) => ({
    model: m.model,
    "batch size": m.batchSize,
    steps: m.steps,
    "median s": m.medianSeconds.toFixed(3),
    "best s": m.bestSeconds.toFixed(3),
    "median ms/step": m.medianMsPerStep.toFixed(3),
    "best ms/step": m.bestMsPerStep.toFixed(3),
  })),
);
console.log(JSON.stringify({ benchmark: "training", measurements }));

async function measure(
  name: string,
  model: OnnxModel,
  examples: number,
  batchSize: number,
): Promise<Measurement> {
  const parameters = readParameters(model, parameterLayout(model));
  const dataset = randomImages(examples);
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
    model: name,
    batchSize,
    steps,
    medianSeconds,
    bestSeconds,
    medianMsPerStep: (1_000 * medianSeconds) / steps,
    bestMsPerStep: (1_000 * bestSeconds) / steps,
  };
}

function randomImages(examples: number): Dataset {
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
