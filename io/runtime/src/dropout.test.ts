import assert from "node:assert/strict";
import { test } from "node:test";
import { classTargets, type Dataset } from "@selvedge/datasets";
import { evaluationGraph, type OnnxModel, parameterLayout, trainingGraph } from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { digestOf, SeededRandom } from "@selvedge/protocol";
import { runEvaluation } from "./evaluation-loop.ts";
import { NativeSession } from "./native-session.ts";
import { runTraining, type TrainingResult, type TrainingRun } from "./training-loop.ts";

const features = 4_000;
const classes = 2;
const ratio = 0.3;

test("dropout leaves out what seed, data and step say, by arithmetic that anyone can repeat", async () => {
  for (const steps of [0, 1, 70_000]) {
    const { parameters } = await train(layers("x"), { state: { values: new Float32Array(), steps } });
    const kept = survivors("first", steps, 1);
    for (const [index, isKept] of kept.entries()) {
      assert.equal(parameters[index * classes] !== 0, isKept, `feature ${index} at step ${steps}`);
    }
    const share = kept.filter(Boolean).length / features;
    const deviation = Math.sqrt((ratio * (1 - ratio)) / features);
    assert.ok(Math.abs(share - (1 - ratio)) < 4 * deviation, `${share} are kept`);
  }
});

test("what dropout keeps is larger by as much as it leaves out", async () => {
  const [all, some] = [await train(layers(undefined)), await train(layers("x"))];
  const at = survivors("first", 0, 1).indexOf(true) * classes;
  const ratios = (some.parameters[at] ?? 0) / (all.parameters[at] ?? 0);
  assert.ok(Math.abs(ratios - 1 / (1 - ratio)) < 1e-6, `${ratios}`);
});

test("each dropout of a model and each seed leaves out others", async () => {
  const updates = [await train(layers("x")), await train(layers("x"), { seed: "second" })];
  const twice = await train(layers("x", "d"));
  const [first, second] = [survivors("first", 0, 1), survivors("first", 0, 2)];
  for (let index = 0; index < features; index += 1) {
    const both = first[index] === true && second[index] === true;
    assert.equal(twice.parameters[index * classes] !== 0, both, `feature ${index}`);
  }
  assert.notDeepEqual(updates[0]?.parameters, updates[1]?.parameters);
});

test("devices of one round, whose data differ, leave out others at the same step", async () => {
  const others = { ...dataset, inputs: new Float32Array(features).fill(0.5) };
  const [here, there] = [await train(layers("x")), await train(layers("x"), { dataset: others })];
  const kept = ({ parameters }: TrainingResult) =>
    Array.from({ length: features }, (_, index) => parameters[index * classes] !== 0);
  const same = kept(here).filter((isKept, index) => isKept === kept(there)[index]).length;
  assert.ok(same < 0.7 * features, `${same} of ${features} are kept by both or neither`);
});

test("[RE2] with dropout as well, how the steps are cut into runs does not change a bit", async () => {
  const quick = await train(layers("x"), { epochs: 20 });
  let clock = 0;
  const slow = await train(layers("x"), { epochs: 20, now: () => (clock += 1_000) });
  assert.deepEqual(slow.parameters, quick.parameters);
  const begun = await train(layers("x"), { epochs: 1 });
  const other = { parameters: begun.parameters, state: begun.state, epochs: 1 };
  assert.deepEqual(
    (await train(layers("x"), other)).parameters,
    (await train(layers("x"), { epochs: 2 })).parameters,
  );
});

test("dropout is not there when the model is evaluated", async () => {
  const results = await Promise.all([layers("x"), layers(undefined)].map(evaluate));
  assert.deepEqual(results[0], results[1]);
});

/** Dropout of x and of what it gives, before a layer whose weights are zero: an update shows what was kept. */
function layers(...dropped: readonly (string | undefined)[]): OnnxModel {
  const names = dropped.filter((name) => name !== undefined);
  return modelOf({
    inputs: [value("x", ["batch", features])],
    outputs: [value("y", ["batch", classes])],
    nodes: [
      ...names.map((name, index) => node("Dropout", [name, "ratio"], index === 0 ? "d" : "e")),
      node("MatMul", [["x", "d", "e"][names.length] ?? "x", "w"], "y"),
    ],
    initializers: [
      floats("ratio", [], [ratio]),
      floats("w", [features, classes], Array(features * classes).fill(0)),
    ],
  });
}

const dataset: Dataset = {
  ...{ name: "ones", length: 1, inputShape: [features], scale: 1 },
  inputs: new Float32Array(features).fill(1),
  targets: classTargets(classes, Int32Array.of(1)),
};

async function train(model: OnnxModel, run: Partial<TrainingRun> = {}): Promise<TrainingResult> {
  const options = {
    inputType: "float32",
    scale: 1,
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
  } as const;
  const graph = trainingGraph(model, options);
  const session = await NativeSession.load(graph.bytes);
  const whole: TrainingRun = {
    ...{ parameters: new Float32Array(parameterLayout(model).length), dataset, examples: Int32Array.of(0) },
    ...{ epochs: 1, batchSize: 1, learningRate: 0.1, seed: "first", ...run },
  };
  return await runTraining(session, graph, whole).finally(() => session.release());
}

async function evaluate(model: OnnxModel): Promise<unknown> {
  const graph = evaluationGraph(model, { inputType: "float32", scale: 1, loss: "softmax-cross-entropy" });
  const session = await NativeSession.load(graph.bytes);
  const parameters = Float32Array.from({ length: features * classes }, (_, index) => (index % 7) / features);
  const run = { parameters, dataset, examples: Int32Array.of(0), batchSize: 1 };
  return await runEvaluation(session, graph, run).finally(() => session.release());
}

function survivors(seed: string, step: number, stream: number): boolean[] {
  const wide = BigInt(
    SeededRandom.fromSeed("noise", seed, digestOf(new Uint8Array(dataset.inputs.buffer))).uniform() * 2 ** 53,
  );
  const [low, high] = [Number(wide & 0xffff_ffffn), Number(wide >> 32n)];
  const ofSeed = hash(hash(low) ^ high) ^ stream;
  const key = hash(hash(ofSeed) ^ step);
  return Array.from({ length: features }, (_, index) => {
    const number = hash(Math.imul(index, 0x9e3779b9) + key) >>> 8;
    return number >= Math.fround(Math.fround(ratio) * 2 ** 24);
  });
}

function hash(x: number): number {
  const first = Math.imul((x ^ (x >>> 16)) >>> 0, 0x21f0aaad);
  const second = Math.imul((first ^ (first >>> 15)) >>> 0, 0xd35a2d97);
  return (second ^ (second >>> 15)) >>> 0;
}
