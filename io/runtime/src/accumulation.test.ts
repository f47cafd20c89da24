import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type OnnxModel,
  parameterLayout,
  readParameters,
  slotOf,
  type TrainingOptions,
  trainingGraph,
} from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { SeededRandom } from "@selvedge/protocol";
import {
  classes,
  features,
  smallModel as model,
  smallDataset,
  trainingOptions,
  trainSmall,
} from "./small-training.fixture.ts";
import type { TrainingResult, TrainingRun } from "./training-loop.ts";

const dataset = smallDataset(31);

const variants: Readonly<Record<string, Partial<TrainingOptions>>> = {
  "plain descent": {},
  "a state, a bound and a pull": { optimizer: "adam", clipNorm: 0.1, proximal: 0.5 },
  "a mean weighted by classes": {
    loss: { name: "softmax-cross-entropy", classWeights: [1, 5, 0.2] },
    optimizer: { name: "sgd", momentum: 0.9 },
    frozen: ["*.bias"],
  },
};

for (const [name, change] of Object.entries(variants)) {
  test(`[RE10] parts of a batch make the step of the whole batch, whatever parts its end has: ${name}`, async () => {
    // Of 31 examples: batches of 12, 12 and 7; the last in parts of 5 and 2.
    const whole = await train(model, change, { batchSize: 12, epochs: 3 });
    for (const [batchSize, accumulate] of [
      [4, 3],
      [6, 2],
      [1, 12],
    ] as const) {
      const parts = await train(model, { ...change, accumulate }, { batchSize, epochs: 3 });
      assert.equal(parts.steps, 9);
      assert.ok(Math.abs(parts.loss - whole.loss) < 1e-6, `${parts.loss} and ${whole.loss}`);
      assert.equal(parts.accuracy, whole.accuracy);
      for (const [index, weight] of whole.parameters.entries()) {
        assert.ok(Math.abs((parts.parameters[index] ?? 0) - weight) < 2e-6, `parameter ${index}`);
      }
    }
  });
}

test("[RE10] each part of a batch is normalised by itself, and moves the running statistics that the next sees", async () => {
  const normalized = modelOf({
    inputs: [value("x", ["batch", features])],
    nodes: [
      node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], "n"),
      node("MatMul", ["n", "w"], "y"),
    ],
    initializers: [
      ...["scale", "variance"].map((name) => floats(name, [features], Array(features).fill(1))),
      ...["bias", "mean"].map((name) => floats(name, [features], Array(features).fill(0))),
      floats(
        "w",
        [features, classes],
        Array.from({ length: features * classes }, (_, i) => Math.sin(i)),
      ),
    ],
  });
  const slots = parameterLayout(normalized).slots.filter(({ name }) => ["mean", "variance"].includes(name));
  const plain = await train(normalized, {}, { batchSize: 6 });
  const parts = await train(normalized, { accumulate: 3 }, { batchSize: 6 });
  assert.deepEqual([plain.steps, parts.steps], [6, 2]);
  // They are of what the model is given, before any weight: the same batches leave the same.
  for (const slot of slots) {
    assert.deepEqual(slotOf(parts.parameters, slot), slotOf(plain.parameters, slot), slot.name);
  }
  assert.notDeepEqual(parts.parameters, plain.parameters);
});

test("what dropout leaves out differs from part to part, and does not depend on how steps are cut into runs", async () => {
  const dropping = modelOf({
    inputs: [value("x", ["batch", features])],
    nodes: [node("Dropout", ["x"], "d"), node("MatMul", ["d", "w"], "y")],
    initializers: [floats("w", [features, classes], Array(features * classes).fill(0.5))],
  });
  const run = { batchSize: 2, epochs: 2 };
  const once = await train(dropping, { accumulate: 4 }, run);
  let clock = 0;
  const slowly = await train(dropping, { accumulate: 4 }, { ...run, now: () => (clock += 1e6) });
  assert.deepEqual(once.parameters, slowly.parameters);
  const twice = { ...run, examples: Int32Array.of(3, 3), epochs: 1, batchSize: 1 };
  const alone = await train(dropping, {}, { ...twice, examples: Int32Array.of(3) });
  const both = await train(dropping, { accumulate: 2 }, twice);
  assert.notDeepEqual(both.parameters, alone.parameters, "two parts of the same example would be as one");
});

test("[RE11] a learning rate for each step is that of its step, however the steps are cut into runs", async () => {
  const rateFactor = (done: number, each: number): number => (done + each) ** 2;
  const run = { batchSize: 8, epochs: 2, rateFactor };
  const scheduled = await train(model, { scheduled: true }, run);
  let clock = 0;
  const cut = await train(model, { scheduled: true }, { ...run, now: () => (clock += 1e6) });
  assert.deepEqual(cut.parameters, scheduled.parameters);
  // Step by step by hand: the order of each epoch is that of its seed.
  let parameters = readParameters(model, parameterLayout(model));
  for (let step = 0; step < 8; step += 1) {
    const order = Int32Array.from({ length: dataset.length }, (_, index) => index);
    SeededRandom.fromSeed("epoch", 1, Math.floor(step / 4)).shuffle(order);
    const examples = order.subarray((step % 4) * 8, (step % 4) * 8 + 8);
    const learningRate = 0.1 * ((step + 1) / 8) ** 2;
    ({ parameters } = await train(model, {}, { parameters, examples, batchSize: 8, learningRate }));
  }
  for (const [index, weight] of scheduled.parameters.entries()) {
    assert.ok(Math.abs((parameters[index] ?? 0) - weight) < 1e-6, `parameter ${index}`);
  }
});

test("a number of parts that is none is refused", () => {
  for (const accumulate of [0, 1.5, -1, 1e9]) {
    assert.throws(() => trainingGraph(model, trainingOptions(dataset, { accumulate })), {
      code: "invalid_argument",
    });
  }
});

function train(
  trained: OnnxModel,
  change: Partial<TrainingOptions>,
  run: Partial<TrainingRun>,
): Promise<TrainingResult> {
  return trainSmall(trained, dataset, change, run);
}
