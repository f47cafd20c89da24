import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClassTargets, classTargets, type Dataset, type Targets } from "@selvedge/datasets";
import {
  buildMlp,
  evaluationGraph,
  type Loss,
  type LossName,
  type OnnxModel,
  parameterLayout,
  readParameters,
  trainingGraph,
} from "@selvedge/onnx";
import { floats, integers, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { SeededRandom } from "@selvedge/protocol";
import { inputFormatOf } from "./batch-run.ts";
import { type EvaluationResult, runEvaluation } from "./evaluation-loop.ts";
import { NativeSession } from "./native-session.ts";
import { runTraining, type TrainingResult } from "./training-loop.ts";

const length = 60;
const random = SeededRandom.fromSeed("targets");
const numbers = Float32Array.from({ length: length * 2 }, () => random.normal());

test("a model learns numbers: the loss falls, and there is no accuracy", async () => {
  const model = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  // y = (a - b, 2b)
  const values = Float32Array.from(numbers, (x, i) => (i % 2 === 0 ? x - (numbers[i + 1] ?? 0) : 2 * x));
  const data = dataset(numbers, [2], { kind: "numbers", shape: [2], values });
  for (const loss of ["mean-squared-error", "huber"] as const) {
    const { trained, measured } = await learn(model, loss, data);
    assert.ok(measured.loss < 1e-3, `${loss} ${measured.loss}`);
    const { absolute = 1, squared = 1, targets, targetSquares = 0 } = measured.errors ?? {};
    assert.ok(
      absolute / measured.weight < 0.05 && squared / measured.weight < 3e-3,
      `${absolute}, ${squared}`,
    );
    assert.equal(measured.weight, values.length);
    assert.equal(
      targets,
      values.reduce((sum, t) => sum + t, 0),
    );
    assert.ok(Math.abs(targetSquares - values.reduce((sum, t) => sum + t * t, 0)) < 1e-9);
    assert.ok(!("accuracy" in trained) && !("accuracy" in measured) && measured.binary === undefined);
  }
});

test("an autoencoder of images learns its own input", async () => {
  // All of one kind, so that one number is enough for each.
  const kind = [1, -2, 0.5, 1.5];
  const images = Float32Array.from(
    { length: length * 4 },
    (_, i) => (kind[i % 4] ?? 0) * (numbers[i >> 2] ?? 0),
  );
  const model = modelOf({
    inputs: [value("x", ["batch", 1, 2, 2])],
    nodes: [
      node("Flatten", ["x"], "flat"),
      node("MatMul", ["flat", "down"], "code"),
      node("MatMul", ["code", "up"], "wide"),
      node("Reshape", ["wide", "shape"], "y"),
    ],
    initializers: [
      floats("down", [4, 1], [0.3, -0.2, 0.4, -0.1]),
      floats("up", [1, 4], [0.2, -0.3, 0.1, -0.4]),
      integers("shape", [-1, 1, 2, 2]),
    ],
  });
  const data = dataset(images, [2, 2], { kind: "input" });
  const { trained, measured } = await learn(model, "mean-squared-error", data);
  assert.ok(measured.loss < trained.loss / 20, `${trained.loss} to ${measured.loss}`);
});

test("one score for each example tells two classes apart, with the counts of both", async () => {
  const model = buildMlp({ inputShape: [2], hidden: [], classes: 1, seed: 1 });
  const { values } = greater(numbers, 2);
  const { measured } = await learn(model, "binary-cross-entropy", dataset(numbers, [2]));
  assert.ok((measured.accuracy ?? 0) > 0.9, `${measured.accuracy}`);
  const { truePositives = 0, falseNegatives = 0, averagePrecision = 0 } = measured.binary ?? {};
  const positives = values.reduce((sum, label) => sum + label, 0);
  assert.equal(truePositives + falseNegatives, positives);
  assert.ok(averagePrecision > 0.95, `${averagePrecision}`);
});

test("indices of words are looked up, and each place of a text is predicted; what is ignored counts for nothing", async () => {
  const [words, places, width] = [5, 3, 4];
  const model = modelOf({
    inputs: [value("tokens", ["batch", places], "int64")],
    outputs: [value("y", ["batch", places, words])],
    nodes: [node("Gather", ["embedding", "tokens"], "e"), node("MatMul", ["e", "out"], "y")],
    initializers: [
      floats("embedding", [words, width], draw(words * width)),
      floats("out", [width, words], draw(width * words)),
    ],
  });
  const tokens = Float32Array.from({ length: length * places }, () => random.integer(words));
  // After each word comes the next one; the last place of each text has none to learn.
  const next = Int32Array.from(tokens, (word, i) => (i % places === places - 1 ? -100 : (word + 1) % words));
  const loss: Loss = { name: "softmax-cross-entropy", ignoreIndex: -100 };
  const graph = trainingGraph(model, { loss, optimizer: "sgd", ...format });
  assert.deepEqual(
    [graph.target, graph.outputShape],
    [{ type: "int32", shape: [places], classes: words }, [places, words]],
  );
  const targets: Targets = { kind: "class", classes: words, shape: [places], values: next };
  const { measured } = await learn(model, loss, dataset(tokens, [places], targets));
  assert.equal(measured.accuracy, 1);
  assert.ok(measured.loss < 0.2, `${measured.loss}`);
});

test("[RE3] data of which nothing counts, by its index or its class's weight, teaches nothing and is no failure", async () => {
  const flat = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  const weighted: Loss = { name: "softmax-cross-entropy", classWeights: [0, 1] };
  const zeros = classTargets(2, new Int32Array(length));
  const one = await learn(flat, weighted, dataset(numbers, [2], zeros));
  assert.deepEqual(one.trained.parameters, readParameters(flat, parameterLayout(flat)));
  assert.deepEqual([one.trained.loss, one.measured.loss], [0, 0]);
  const places = modelOf({
    inputs: [value("x", ["batch", 1, 2])],
    nodes: [node("MatMul", ["x", "w"], "y")],
    initializers: [floats("w", [2, 2], [1, 0, 0, 1])],
  });
  const ignored: Loss = { name: "softmax-cross-entropy", ignoreIndex: -100 };
  const none: Targets = { kind: "class", classes: 2, shape: [1], values: new Int32Array(length).fill(-100) };
  const { trained, measured } = await learn(places, ignored, dataset(numbers, [1, 2], none));
  assert.deepEqual([trained.loss, measured.loss, measured.places], [0, 0, 0]);
  assert.ok(!("accuracy" in trained) && !("accuracy" in measured));
});

test("a graph counts for each class, and how often the right one is among the highest scores", async () => {
  // Scores are the inputs themselves.
  const model = modelOf({
    inputs: [value("x", ["batch", 3])],
    nodes: [node("MatMul", ["x", "w"], "y")],
    initializers: [floats("w", [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])],
  });
  const scores = Float32Array.from({ length: length * 3 }, () => random.normal());
  const labels = Int32Array.from({ length }, (_, i) => (i % 7 === 0 ? -100 : random.integer(3)));
  const loss: Loss = { name: "softmax-cross-entropy", ignoreIndex: -100 };
  const graph = evaluationGraph(model, { loss, among: [2], classCounts: true, logLoss: true, ...format });
  const session = await NativeSession.load(graph.bytes);
  const measured = await runEvaluation(session, graph, {
    parameters: readParameters(model, graph.layout),
    dataset: dataset(scores, [3], classTargets(3, labels)),
    examples: Int32Array.from(Array(length).keys()),
  });
  await session.release();
  const ranked = Array.from(labels, (label, i) => {
    const row = [...scores.subarray(i * 3, i * 3 + 3)];
    const order = [0, 1, 2].toSorted((a, b) => (row[b] ?? 0) - (row[a] ?? 0));
    return { label, order };
  }).filter(({ label }) => label >= 0);
  const among = (most: number) => ranked.filter(({ label, order }) => order.indexOf(label) < most).length;
  const { accuracy, places, weight } = measured;
  assert.deepEqual(measured.among, { 2: among(2) });
  assert.deepEqual([accuracy, places, weight], [among(1) / ranked.length, ranked.length, ranked.length]);
  // Of a plain loss it is what the loss is the mean of.
  assert.ok(Math.abs((measured.logLoss ?? 0) / ranked.length - measured.loss) < 1e-5);
  assert.deepEqual(
    measured.classes,
    [0, 1, 2].map((each) => ({
      truePositives: ranked.filter(({ label, order }) => label === each && order[0] === each).length,
      falsePositives: ranked.filter(({ label, order }) => label !== each && order[0] === each).length,
      falseNegatives: ranked.filter(({ label, order }) => label === each && order[0] !== each).length,
    })),
  );
  const distance = { loss: "mean-squared-error", classCounts: true, ...format } as const;
  assert.throws(() => evaluationGraph(model, distance), { code: "invalid_argument" });
  assert.throws(() => evaluationGraph(model, { loss, among: [0], ...format }), { code: "invalid_argument" });
});

test("targets that do not fit the loss are refused, with both formats", async () => {
  const model = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  const refused = (loss: LossName, targets: Targets, message: RegExp) =>
    assert.rejects(learn(model, loss, dataset(numbers, [2], targets)), {
      code: "failed_precondition",
      message,
    });
  const numbersOf = (size: number): Targets => {
    return { kind: "numbers", shape: [size], values: new Float32Array(length * size) };
  };
  const [squares, classes] = ["mean-squared-error", "softmax-cross-entropy"] as const;
  const labels = greater(numbers, 2);
  await refused(squares, labels, /learns numbers \[2\] .* has one of 2 classes for each example/);
  await refused(squares, numbersOf(1), /learns numbers \[2\] .* has numbers \[1\] for each example/);
  await refused(classes, numbersOf(4), /learns one of 2 classes .* has numbers \[4\]/);
  await refused(classes, { ...labels, classes: 3 }, /one of 2 classes .* has one of 3 classes/);
});

const format = { inputType: "float32", scale: 1 } as const;

async function learn(
  model: OnnxModel,
  loss: LossName | Loss,
  data: Dataset,
): Promise<{ readonly trained: TrainingResult; readonly measured: EvaluationResult }> {
  const seen = inputFormatOf(data);
  const graph = trainingGraph(model, { loss, optimizer: "adam", ...seen });
  const measuring = evaluationGraph(model, { loss, ...seen });
  const [session, measure] = [
    await NativeSession.load(graph.bytes),
    await NativeSession.load(measuring.bytes),
  ];
  const common = { dataset: data, examples: Int32Array.from(Array(length).keys()) };
  try {
    const trained = await runTraining(session, graph, {
      ...common,
      parameters: readParameters(model, parameterLayout(model)),
      epochs: 60,
      batchSize: 8,
      learningRate: 0.05,
      seed: 1,
    });
    const { parameters } = trained;
    return { trained, measured: await runEvaluation(measure, measuring, { ...common, parameters }) };
  } finally {
    await session.release();
    await measure.release();
  }
}

function dataset(inputs: Float32Array, inputShape: readonly number[], targets?: Targets): Dataset {
  const learned = targets ?? greater(inputs, inputs.length / length);
  return { name: "targets", length, inputShape, inputs, scale: 1, targets: learned };
}

/** Whether the first number of an example is above the second. */
function greater(inputs: Float32Array, size: number): ClassTargets {
  const labels = Int32Array.from({ length }, (_, i) =>
    (inputs[i * size] ?? 0) > (inputs[i * size + 1] ?? 0) ? 1 : 0,
  );
  return classTargets(2, labels);
}

function draw(count: number): number[] {
  return Array.from({ length: count }, () => random.normal() / 2);
}
