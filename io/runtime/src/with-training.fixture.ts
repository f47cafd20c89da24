import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classReading, encodeIdx, type IdxSource } from "@selvedge/datasets";
import {
  buildMlp,
  encodeSafetensors,
  type OnnxModel,
  parameterLayout,
  readParameters,
  serializeModel,
} from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import type { TrainingRequest } from "./training-methods.ts";
import { TrainingProcess } from "./training-process.ts";

export interface TrainingSetting {
  readonly folder: string;
  readonly request: TrainingRequest;
  readonly model: OnnxModel;
  readonly training: TrainingProcess;
}

/** Two epochs of plain descent on a small model and 200 images, in a folder and a process that go afterwards. */
export async function withTraining(body: (setting: TrainingSetting) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-training-"));
  const model = buildMlp({ inputShape: [4, 4], hidden: [8], classes: 3, seed: 7 });
  const request: TrainingRequest = {
    modelPath: join(folder, "model.onnx"),
    weightsPath: join(folder, "base.safetensors"),
    updatePath: join(folder, "update.safetensors"),
    dataset: await writeDataset(folder),
    reading: classReading(3),
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    learningRate: 0.1,
    batchSize: 32,
    localEpochs: 2,
    heldOutFraction: 0,
    maxExamples: 1_000,
    seed: "seed",
  };
  await writeModel(model, request.modelPath, request.weightsPath);
  const training = await TrainingProcess.start();
  try {
    await body({ folder, request, model, training });
  } finally {
    await training.stop();
    await rm(folder, { recursive: true });
  }
}

/** The file of a model, and of its parameters. */
export async function writeModel(model: OnnxModel, modelPath: string, weightsPath: string): Promise<void> {
  const layout = parameterLayout(model);
  await writeFile(modelPath, serializeModel(model));
  await writeFile(weightsPath, encodeSafetensors(layout, readParameters(model, layout)));
}

/** 200 images of 4 by 4 in three classes, told apart by which rows are bright. */
async function writeDataset(folder: string): Promise<IdxSource> {
  const random = SeededRandom.fromSeed("images");
  const labels = Uint8Array.from({ length: 200 }, () => random.integer(3));
  const images = new Uint8Array(200 * 16);
  for (const index of images.keys()) {
    const row = Math.floor((index % 16) / 4);
    images[index] = random.integer(100) + (row === labels[Math.floor(index / 16)] ? 155 : 0);
  }
  const imagesPath = join(folder, "images.idx");
  const labelsPath = join(folder, "labels.idx");
  await writeFile(imagesPath, encodeIdx({ shape: [200, 4, 4], values: images }));
  await writeFile(labelsPath, encodeIdx({ shape: [200], values: labels }));
  return { format: "idx", imagesPath, labelsPath, classes: 3 };
}
