import { classTargets, type Dataset } from "@selvedge/datasets";
import {
  buildMlp,
  type OnnxModel,
  parameterLayout,
  readParameters,
  type TrainingOptions,
  trainingGraph,
} from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";
import { inputFormatOf } from "./batch-run.ts";
import { NativeSession } from "./native-session.ts";
import { runTraining, type TrainingResult, type TrainingRun } from "./training-loop.ts";

export const classes = 3;
export const features = 5;
export const smallModel: OnnxModel = buildMlp({ inputShape: [features], hidden: [4], classes, seed: 3 });

/** Uniform features, classes by chance: the same for the same length. */
export function smallDataset(length: number): Dataset {
  const random = SeededRandom.fromSeed("examples", length);
  return {
    name: "small",
    length,
    inputShape: [features],
    inputs: Float32Array.from({ length: length * features }, () => random.uniform()),
    scale: 1,
    targets: classTargets(
      classes,
      Int32Array.from({ length }, () => random.integer(classes)),
    ),
  };
}

/** Cross-entropy and plain descent on what the dataset has, where `change` says nothing else. */
export function trainingOptions(dataset: Dataset, change: Partial<TrainingOptions> = {}): TrainingOptions {
  return { loss: "softmax-cross-entropy", optimizer: "sgd", ...inputFormatOf(dataset), ...change };
}

/** One epoch over all examples in batches of 4, from the model's own parameters, where `run` says nothing else. */
export async function trainSmall(
  model: OnnxModel,
  dataset: Dataset,
  change: Partial<TrainingOptions> = {},
  run: Partial<TrainingRun> = {},
): Promise<TrainingResult> {
  const graph = trainingGraph(model, trainingOptions(dataset, change));
  const session = await NativeSession.load(graph.bytes);
  return await runTraining(session, graph, {
    parameters: readParameters(model, parameterLayout(model)),
    dataset,
    examples: Int32Array.from(Array(dataset.length).keys()),
    epochs: 1,
    batchSize: 4,
    learningRate: 0.1,
    seed: 1,
    ...run,
  }).finally(() => session.release());
}
