import assert from "node:assert/strict";
import { test } from "node:test";
import { classTargets, type Dataset, type Targets } from "@selvedge/datasets";
import {
  buildZooModel,
  parameterLayout,
  readParameters,
  serializeModel,
  trainingGraph,
  writeParameters,
  zoo,
} from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession } from "./native-session.ts";
import { runTraining } from "./training-loop.ts";

/** As small as each may be, so that all of them take a second or two. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  mlp: [6],
  lenet: [1, 12, 12],
  cnn: [1, 8, 8],
  resnet: [2, 8, 8],
  mobilenet: [2, 8, 8],
  cnn1d: [3, 16],
  transformer: [6, 4],
  "char-lstm": [5],
  "char-gru": [5],
  gpt: [5],
  tabular: [4],
  autoencoder: [1, 8, 8],
  unet: [1, 8, 8],
};
/** Where the usual one makes little of a few steps. */
const learningRates: Readonly<Record<string, number>> = {
  "char-lstm": 0.5,
  "char-gru": 0.2,
  autoencoder: 0.5,
};
const texts: ReadonlySet<string> = new Set(["char-lstm", "char-gru", "gpt"]);
const categories = [3, 2];
const classes = 3;
const examples = 12;

for (const [name, { loss, learnsInput = false }] of Object.entries(zoo)) {
  test(`the zoo's ${name} learns a handful of examples, and the runtime takes it before and after`, async () => {
    const inputShape = shapes[name] ?? assert.fail(`no shape for ${name}`);
    const model = buildZooModel(name, { inputShape, classes, categories, seed: 1 });
    const layout = parameterLayout(model);
    const graph = trainingGraph(model, {
      ...{ inputType: "float32", scale: 1, learnsInput },
      ...{ loss, optimizer: "sgd" },
    });
    const session = await NativeSession.load(graph.bytes);
    const { [name]: learningRate = 0.05 } = learningRates;
    const dataset = noise(name, inputShape);
    const run = { dataset, examples: Int32Array.from(Array(examples).keys()), seed: 1 };
    const train = async (parameters: Float32Array, epochs: number) =>
      await runTraining(session, graph, { ...run, parameters, epochs, batchSize: 4, learningRate });
    const base = readParameters(model, layout);
    const early = await train(base, 2);
    // The runtime reads them where they lie; an update is what is new minus these.
    assert.deepEqual(base, readParameters(model, layout));
    const middle = await train(early.parameters, 20);
    const late = await train(middle.parameters, 2);
    await session.release();
    // Noise does not fit into a code.
    const share = name === "autoencoder" ? 0.9 : 0.5;
    assert.ok(late.loss < early.loss * share, `${early.loss} to ${late.loss}`);
    const before = serializeModel(model);
    for (const bytes of [before, writeParameters(before, layout, late.parameters)]) {
      const scores = await scoresOf(bytes, run.dataset);
      assert.ok(scores.every(Number.isFinite));
    }
  });
}

/** Numbers, or codes where a model takes those: a text of as many as there are classes, the first columns of a table. */
function noise(name: string, inputShape: readonly number[]): Dataset {
  const random = SeededRandom.fromSeed("noise");
  const size = inputShape.reduce((product, each) => product * each, 1);
  const codes = name === "tabular" ? categories : texts.has(name) ? Array<number>(size).fill(classes) : [];
  const inputs = Float32Array.from({ length: examples * size }, (_, index) => {
    const count = codes[index % size];
    return count === undefined ? random.normal() : random.integer(count);
  });
  const labels = Int32Array.from({ length: examples }, () => random.integer(classes));
  const targets = targetsOf(name, inputShape, inputs) ?? classTargets(classes, labels);
  return { name: "noise", length: examples, inputShape, inputs, scale: 1, targets };
}

/** What is learned of each example; undefined: a class drawn for it. */
function targetsOf(name: string, inputShape: readonly number[], inputs: Float32Array): Targets | undefined {
  if (name === "autoencoder") return { kind: "input" };
  if (name !== "unet") return undefined;
  const values = Int32Array.from(inputs, (value) => (value > 0 ? 1 : 0));
  return { kind: "class", classes, shape: inputShape.slice(1), values };
}

async function scoresOf(bytes: Uint8Array, { inputs, inputShape }: Dataset): Promise<number[]> {
  const session = await NativeSession.load(bytes);
  const outputs = await session.run({
    input: { type: "float32", dims: [examples, ...inputShape], data: Float32Array.from(inputs) },
  });
  await session.release();
  const [scores] = Object.values(outputs);
  assert.equal(scores?.dims[0], examples);
  return Array.from(scores?.type === "float32" ? scores.data : []);
}
