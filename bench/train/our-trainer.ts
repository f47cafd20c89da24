// Our side of `npm run bench -- train`: reads one JSON command a line, answers with one JSON line. As
// bench/peers/train_torch.py, without "prepare".

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Dataset } from "@selvedge/datasets";
import {
  parameterLayout,
  parseModel,
  readParameters,
  type TrainingGraph,
  trainingGraph,
} from "@selvedge/onnx";
import { NativeSession, runTraining } from "@selvedge/runtime";

interface Load {
  readonly do: "load";
  readonly folder: string;
  readonly examples: number;
  readonly inputShape: readonly number[];
  readonly classes: number;
}

interface Train {
  readonly do: "train";
  readonly batch: number;
  readonly threads: number;
}

interface Loaded {
  readonly graph: TrainingGraph;
  readonly dataset: Dataset;
  /** By number of threads. */
  readonly sessions: Map<number, NativeSession>;
  parameters: Float32Array<ArrayBuffer>;
}

let loaded: Loaded | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Load | Train;
  if (command.do === "load") loaded = load(command);
  const answer = command.do === "train" && loaded !== undefined ? await train(loaded, command) : {};
  console.log(JSON.stringify(answer));
}

function load({ folder, examples, inputShape, classes }: Load): Loaded {
  const model = parseModel(readFileSync(join(folder, "model.onnx")));
  const inputs = new Float32Array(new Uint8Array(readFileSync(join(folder, "inputs.f32"))).buffer);
  const labels = new Int32Array(new Uint8Array(readFileSync(join(folder, "labels.i32"))).buffer);
  const targets = { kind: "class", classes, shape: [], values: labels } as const;
  const dataset = { name: "random", length: examples, inputShape, inputs, scale: 1, targets };
  const graph = trainingGraph(model, {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "float32",
    scale: 1,
  });
  return { graph, dataset, sessions: new Map(), parameters: readParameters(model, parameterLayout(model)) };
}

async function train(state: Loaded, { batch, threads }: Train): Promise<{ seconds: number; loss: number }> {
  const { graph, dataset, sessions } = state;
  const session = sessions.get(threads) ?? (await NativeSession.load(graph.bytes, { threads }));
  sessions.set(threads, session);
  const began = performance.now();
  const result = await runTraining(session, graph, {
    parameters: state.parameters,
    dataset,
    examples: Int32Array.from({ length: dataset.length }, (_, example) => example),
    epochs: 1,
    batchSize: batch,
    learningRate: 0.01,
    seed: 1,
  });
  const seconds = (performance.now() - began) / 1_000;
  state.parameters = result.parameters;
  return { seconds, loss: result.loss };
}
