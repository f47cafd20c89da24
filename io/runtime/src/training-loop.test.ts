import assert from "node:assert/strict";
import { test } from "node:test";
import { classTargets, type Dataset } from "@selvedge/datasets";
import {
  buildCnn,
  buildMlp,
  evaluationGraph,
  type OnnxModel,
  parameterLayout,
  readParameters,
  slotOf,
  trainingGraph,
} from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { runEvaluation } from "./evaluation-loop.ts";
import { NativeSession } from "./native-session.ts";
import {
  classes,
  features,
  smallModel as model,
  smallDataset,
  trainingOptions,
  trainSmall,
} from "./small-training.fixture.ts";
import { runTraining, type TrainingResult, type TrainingRun } from "./training-loop.ts";

test("one epoch with a short last batch is plain gradient descent, computed by hand in float64", async () => {
  const linear = buildMlp({ inputShape: [features], hidden: [], classes, seed: 3 });
  const dataset = smallDataset(11);
  const run = trainingRun(linear, dataset, { epochs: 2, batchSize: 4 });
  const result = await train(linear, run);
  const expected = gradientDescent(linear, run);
  assert.equal(result.steps, 2 * 3);
  assert.ok(Math.abs(result.loss - expected.loss) < 1e-5, `loss ${result.loss}, by hand ${expected.loss}`);
  assert.equal(result.accuracy, expected.accuracy);
  for (const [index, value] of expected.parameters.entries()) {
    assert.ok(Math.abs((result.parameters[index] ?? Number.NaN) - value) < 1e-6, `parameter ${index}`);
  }
});

test("progress counts up to the last step, and the base parameters are not changed", async () => {
  const run = trainingRun(model, smallDataset(100), { epochs: 3, batchSize: 10 });
  const base = Float32Array.from(run.parameters);
  const seen: number[] = [];
  const result = await train(model, {
    ...run,
    onProgress: ({ steps, stepsTotal }) => seen.push(steps / stepsTotal),
  });
  assert.deepEqual(run.parameters, base);
  assert.equal(seen.at(-1), 1);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(result.steps, 30);
});

test("[RE2] how the steps are cut into runs does not change a bit", async () => {
  const run = trainingRun(model, smallDataset(100), { epochs: 2, batchSize: 3 });
  const graph = trainingGraph(model, trainingOptions(run.dataset));
  const session = await NativeSession.load(graph.bytes);
  const quick = await runTraining(session, graph, run);
  const cuts: number[] = [];
  let clock = 0;
  const slow = await runTraining(session, graph, {
    ...run,
    // Every run seems to take 320 ms, more than it should, so each is shorter than the one before.
    now: () => (clock += 320),
    onProgress: ({ steps }) => cuts.push(steps),
  });
  await session.release();
  assert.deepEqual(cuts.slice(0, 4), [8, 8 + 7, 8 + 7 + 6, 8 + 7 + 6 + 5]);
  assert.deepEqual(slow.parameters, quick.parameters);
});

test("a run of so many steps goes over the examples again and again, and cuts the last time short", async () => {
  const run = trainingRun(model, smallDataset(100), { epochs: 1, batchSize: 10 });
  const whole = await train(model, { ...run, epochs: 3 });
  const counted = await train(model, { ...run, steps: 30 });
  assert.deepEqual(counted.parameters, whole.parameters);
  assert.equal((await train(model, { ...run, steps: 23 })).steps, 23);
  await assert.rejects(train(model, { ...run, steps: 0.5 }), /no number of steps/);
});

test("[AL3] once its time is over a run gives what it has trained by then, at least one run's steps", async () => {
  const run = trainingRun(model, smallDataset(1_000), { epochs: 1, batchSize: 10 });
  let clock = 0;
  // Each run takes as long as it should, so that each is of eight steps.
  const timed = { ...run, now: () => (clock += 300) };
  const cut = await train(model, { ...timed, until: 1_700 });
  assert.equal(cut.steps, 16);
  assert.deepEqual(cut.parameters, (await train(model, { ...run, steps: 16 })).parameters);
  assert.equal((await train(model, { ...timed, until: 0 })).steps, 8);
});

test("a convolutional network learns where in an image the bright spot is", async () => {
  const cnn = buildCnn({ inputShape: [1, 8, 8], channels: [4], kernel: 3, hidden: [8], classes, seed: 3 });
  const dataset = brightSpots(120);
  const { accuracy: before = 1 } = await train(cnn, trainingRun(cnn, dataset, { epochs: 1, batchSize: 32 }));
  const run = trainingRun(cnn, dataset, { epochs: 30, batchSize: 10 });
  const trained = await train(cnn, run);
  const after = await train(cnn, { ...run, parameters: trained.parameters, epochs: 1 });
  assert.ok(before < 0.7, `accuracy of the first epoch ${before}`);
  assert.ok((after.accuracy ?? 0) > 0.95, `accuracy of the last epoch ${after.accuracy}`);
});

test("a batch normalization that stands twice in a model learns from both, one after the other", async () => {
  const layers = (second: string): OnnxModel => {
    const moments = [...new Set(["", second])];
    return modelOf({
      inputs: [value("x", ["batch", features])],
      nodes: [
        node("MatMul", ["x", "v"], "a"),
        node("BatchNormalization", ["a", "scale", "bias", "mean", "variance"], "b", {
          momentum: ["float", 0.75],
        }),
        node("Sigmoid", ["b"], "c"),
        node("BatchNormalization", ["c", "scale", "bias", `mean${second}`, `variance${second}`], "d", {
          momentum: ["float", 0.75],
        }),
        node("MatMul", ["d", "w"], "y"),
      ],
      initializers: [
        floats(
          "v",
          [features, features],
          Array.from({ length: features ** 2 }, (_, i) => Math.cos(i)),
        ),
        floats("scale", [features], Array(features).fill(1)),
        floats("bias", [features], Array(features).fill(0.5)),
        ...moments.flatMap((each) => [
          floats(`mean${each}`, [features], Array(features).fill(2)),
          floats(`variance${each}`, [features], Array(features).fill(4)),
        ]),
        floats(
          "w",
          [features, classes],
          Array.from({ length: features * classes }, (_, i) => Math.sin(i)),
        ),
      ],
    });
  };
  const [shared, apart] = await Promise.all(
    ["", "2"].map(async (second) => {
      const twice = layers(second);
      const run = trainingRun(twice, smallDataset(8), { epochs: 1, batchSize: 8 });
      const { parameters } = await train(twice, run);
      return new Map(
        parameterLayout(twice).slots.map((slot) => [slot.name, [...slotOf(parameters, slot)]] as const),
      );
    }),
  );
  for (const name of ["v", "scale", "bias", "w"]) assert.deepEqual(shared?.get(name), apart?.get(name), name);
  for (const [name, start] of [
    ["mean", 2],
    ["variance", 4],
  ] as const) {
    for (const [index, value] of (shared?.get(name) ?? []).entries()) {
      const [first = 0, second = 0] = [apart?.get(name)?.[index], apart?.get(`${name}2`)?.[index]];
      // Of apart each: 0.75 start + 0.25 batch; of both, the second goes on from what the first has come to.
      const expected = 0.75 * first + (second - 0.75 * start);
      assert.ok(Math.abs(value - expected) < 1e-5, `${name} ${value}, by hand ${expected}`);
    }
  }
});

test("batch normalization learns from the batch, and evaluates with the statistics it has learned", async () => {
  const normalized = modelOf({
    inputs: [value("x", ["batch", features])],
    nodes: [
      node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], "n", {
        momentum: ["float", 0.75],
        epsilon: ["float", 0.01],
      }),
      node("MatMul", ["n", "w"], "y"),
    ],
    initializers: [
      floats("scale", [features], Array(features).fill(1)),
      floats("bias", [features], Array(features).fill(0)),
      floats("mean", [features], Array(features).fill(2)),
      floats("variance", [features], Array(features).fill(4)),
      floats(
        "w",
        [features, classes],
        Array.from({ length: features * classes }, (_, i) => Math.sin(i)),
      ),
    ],
  });
  const dataset = smallDataset(8);
  const run = trainingRun(normalized, dataset, { epochs: 1, batchSize: 8 });
  const { parameters } = await train(normalized, run);
  const slot = (name: string) =>
    slotOf(parameters, parameterLayout(normalized).slots.find((each) => each.name === name) ?? assert.fail());
  for (let feature = 0; feature < features; feature += 1) {
    const column = Array.from({ length: 8 }, (_, row) => dataset.inputs[row * features + feature] ?? 0);
    const mean = column.reduce((sum, x) => sum + x, 0) / 8;
    const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 7;
    assert.ok(Math.abs((slot("mean")[feature] ?? 0) - (0.75 * 2 + 0.25 * mean)) < 1e-5);
    assert.ok(Math.abs((slot("variance")[feature] ?? 0) - (0.75 * 4 + 0.25 * variance)) < 1e-5);
  }
  assert.notDeepEqual([...slot("scale")], Array(features).fill(1), "a gradient reaches the scale");

  // By hand: y = w (x - mean)/√(variance + ε), mean 2 and variance 4 for every feature.
  const graph = evaluationGraph(normalized, trainingOptions(dataset));
  const session = await NativeSession.load(graph.bytes);
  const measured = await runEvaluation(session, graph, { ...run, examples: Int32Array.of(3) });
  await session.release();
  const scores = Array.from({ length: classes }, (_, k) =>
    Array.from({ length: features }, (_, i) => {
      const x = dataset.inputs[3 * features + i] ?? 0;
      return (Math.sin(i * classes + k) * (x - 2)) / Math.sqrt(4.01);
    }).reduce((sum, term) => sum + term, 0),
  );
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  const loss = Math.log(total) - (scores[labelsOf(dataset)[3] ?? 0] ?? 0);
  assert.ok(Math.abs(measured.loss - loss) < 1e-5, `${measured.loss}, by hand ${loss}`);
});

test("evaluation gives the mean loss and accuracy of the examples asked for", async () => {
  const dataset = smallDataset(250);
  const graph = evaluationGraph(model, trainingOptions(dataset));
  const session = await NativeSession.load(graph.bytes);
  const parameters = readParameters(model, graph.layout);
  const measure = (examples: Int32Array) => runEvaluation(session, graph, { parameters, dataset, examples });
  const whole = await measure(Int32Array.from(Array(250).keys()));
  const parts = await Promise.all(
    [0, 125].map((start) => measure(Int32Array.from({ length: 125 }, (_, index) => start + index))),
  );
  await assert.rejects(measure(new Int32Array()), isError("failed_precondition"));
  await session.release();
  const mean = (key: "loss" | "accuracy") => parts.reduce((sum, part) => sum + (part[key] ?? 0), 0) / 2;
  assert.ok(Math.abs(whole.loss - mean("loss")) < 1e-6);
  assert.ok(Math.abs((whole.accuracy ?? 0) - mean("accuracy")) < 1e-12);
});

test("bytes are scaled, floats are taken as they are", async () => {
  const floats = smallDataset(40);
  const bytes: Dataset = {
    ...floats,
    inputs: Uint8Array.from(floats.inputs, (value) => Math.round(value * 255)),
    scale: 1 / 255,
  };
  const rounded: Dataset = { ...floats, inputs: Float32Array.from(bytes.inputs, (value) => value / 255) };
  const [fromBytes, fromFloats] = await Promise.all(
    [bytes, rounded].map((dataset) => train(model, trainingRun(model, dataset, { epochs: 1, batchSize: 8 }))),
  );
  assert.ok(Math.abs((fromBytes?.loss ?? 0) - (fromFloats?.loss ?? 1)) < 1e-6);
});

test("impossible settings are refused", async () => {
  const run = trainingRun(model, smallDataset(10), { epochs: 1, batchSize: 2 });
  for (const wrong of [{ epochs: 0 }, { epochs: 1.5 }, { batchSize: 0 }, { learningRate: Number.NaN }]) {
    await assert.rejects(train(model, { ...run, ...wrong }), isError("invalid_argument"));
  }
  await assert.rejects(train(model, { ...run, examples: new Int32Array() }), isError("failed_precondition"));
});

function train(trained: OnnxModel, run: TrainingRun): Promise<TrainingResult> {
  return trainSmall(trained, run.dataset, {}, run);
}

function trainingRun(
  trained: OnnxModel,
  dataset: Dataset,
  { epochs, batchSize }: { readonly epochs: number; readonly batchSize: number },
): TrainingRun {
  return {
    parameters: readParameters(trained, parameterLayout(trained)),
    dataset,
    examples: Int32Array.from(Array(dataset.length).keys()),
    epochs,
    batchSize,
    learningRate: 0.1,
    seed: 1,
  };
}

function labelsOf({ targets }: Dataset): Int32Array {
  return targets.kind === "class" ? targets.values : assert.fail("no classes");
}

/** Images of 8 by 8 in the file's own shape, without the channel that the model wants. */
function brightSpots(length: number): Dataset {
  const random = SeededRandom.fromSeed("spots");
  const labels = Int32Array.from({ length }, () => random.integer(classes));
  const inputs = new Uint8Array(length * 64);
  for (const [example, label] of labels.entries()) {
    const [row, column] = [random.integer(6), 3 * label + random.integer(2)];
    for (const pixel of [0, 1, 8, 9]) inputs[example * 64 + row * 8 + Math.min(column, 6) + pixel] = 255;
  }
  const targets = classTargets(classes, labels);
  return { name: "spots", length, inputShape: [8, 8], inputs, scale: 1 / 255, targets };
}

/** Softmax regression in plain float64, batch by batch: the model without hidden layers. */
function gradientDescent(
  linear: OnnxModel,
  run: TrainingRun,
): Omit<TrainingResult, "parameters" | "state" | "steps" | "learningRate"> & {
  readonly parameters: Float64Array;
} {
  const { slots, length } = parameterLayout(linear);
  const parameters = new Float64Array(length);
  for (const slot of slots) parameters.set(slotOf(run.parameters, slot), slot.offset);
  const [weight, bias] = slots;
  assert.ok(weight !== undefined && bias !== undefined);
  const { inputs } = run.dataset;
  const labels = labelsOf(run.dataset);
  let loss = 0;
  let correct = 0;
  for (let epoch = 0; epoch < run.epochs; epoch += 1) {
    const order = Int32Array.from(run.examples);
    SeededRandom.fromSeed("epoch", run.seed, epoch).shuffle(order);
    for (let start = 0; start < order.length; start += run.batchSize) {
      const batch = order.subarray(start, start + run.batchSize);
      const step = new Float64Array(length);
      for (const example of batch) {
        const x = [...inputs.subarray(example * features, (example + 1) * features)];
        const scores = Array.from({ length: classes }, (_, k) =>
          x.reduce(
            (sum, value, i) => sum + value * (parameters[weight.offset + i * classes + k] ?? 0),
            parameters[bias.offset + k] ?? 0,
          ),
        );
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        const label = labels[example] ?? 0;
        loss += Math.log(total) - (scores[label] ?? 0);
        correct += scores.indexOf(Math.max(...scores)) === label ? 1 : 0;
        for (const [k, score] of scores.entries()) {
          const d = ((Math.exp(score) / total - (k === label ? 1 : 0)) * run.learningRate) / batch.length;
          step[bias.offset + k] = (step[bias.offset + k] ?? 0) + d;
          for (const [i, value] of x.entries()) {
            const at = weight.offset + i * classes + k;
            step[at] = (step[at] ?? 0) + d * value;
          }
        }
      }
      for (const [index, value] of step.entries()) parameters[index] = (parameters[index] ?? 0) - value;
    }
  }
  const examples = run.epochs * run.examples.length;
  return { parameters, loss: loss / examples, accuracy: correct / examples };
}

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code;
}
