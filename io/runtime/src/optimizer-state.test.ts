import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Optimizer,
  parameterLayout,
  readParameters,
  slotOf,
  type TrainingOptions,
  trainingGraph,
} from "@selvedge/onnx";
import { smallModel as model, smallDataset, trainingOptions, trainSmall } from "./small-training.fixture.ts";
import type { TrainingResult, TrainingRun } from "./training-loop.ts";

const layout = parameterLayout(model);
const initial = readParameters(model, layout);
const dataset = smallDataset(24);

const optimizers: readonly Optimizer[] = [
  { name: "sgd", momentum: 0.9, nesterov: true },
  { name: "adam" },
  { name: "adamw" },
  { name: "rmsprop", momentum: 0.5, centered: true },
  { name: "adagrad", rateDecay: 0.1 },
];

for (const optimizer of optimizers) {
  test(`${optimizer.name}: a training that was stopped goes on as if it had not been, to the bit`, async () => {
    const straight = await train({ optimizer }, { epochs: 6 });
    const first = await train({ optimizer }, { epochs: 2 });
    const { state } = trainingGraph(model, trainingOptions(dataset, { optimizer }));
    const kept = decodeSafetensors(encodeSafetensors(state.layout, first.state.values), state.layout);
    const { parameters } = first;
    const second = await train(
      { optimizer },
      { epochs: 4, parameters, state: { values: kept, steps: first.state.steps } },
    );
    assert.deepEqual(second.parameters, straight.parameters);
    assert.deepEqual(second.state, straight.state);
    assert.equal(second.state.steps, 6);
    const forgetful = await train({ optimizer }, { epochs: 4, parameters });
    assert.notDeepEqual(forgetful.parameters, straight.parameters);
  });
}

test("the state of another training is refused", async () => {
  const state = { values: new Float32Array(3), steps: 1 };
  await assert.rejects(train({ optimizer: "adam" }, { state }), { code: "invalid_argument" });
});

test("what is frozen by its name stays as it is, and the rest is trained as if it were all", async () => {
  const result = await train({ optimizer: "adam", frozen: ["*.bias"] }, { epochs: 3 });
  for (const slot of layout.slots) {
    const same = slotOf(result.parameters, slot).every(
      (value, index) => value === slotOf(initial, slot)[index],
    );
    assert.equal(same, slot.name.endsWith(".bias"), slot.name);
  }
  const graph = trainingGraph(model, trainingOptions(dataset, { frozen: ["*.bias"] }));
  assert.deepEqual(new Set(graph.frozen.values()), new Set(["the training says so"]));
  assert.ok(graph.state.layout.slots.length === 0);
});

test("a proximal term pulls towards the anchor, a correction against its gradient, and a bound holds both back", async () => {
  const distance = (parameters: Float32Array): number =>
    Math.hypot(...parameters.map((w, i) => w - (initial[i] ?? 0)));
  const free = distance((await train({}, { epochs: 20 })).parameters);
  const near = distance((await train({ proximal: 5 }, { epochs: 20 })).parameters);
  assert.ok(near < free / 2, `${near} from the anchor, without the term ${free}`);
  const correction = new Float32Array(layout.length).fill(0.5);
  const pushed = await train({ correction: true }, { epochs: 1, correction });
  const plain = await train({}, { epochs: 1 });
  for (const [index, value] of pushed.parameters.entries()) {
    assert.ok(Math.abs((plain.parameters[index] ?? 0) - 0.1 * 0.5 - value) < 1e-6);
  }
  const bounded = await train({ correction: true, clipNorm: 0.25 }, { epochs: 1, correction });
  assert.ok(Math.abs(distance(bounded.parameters) - 0.1 * 0.25) < 1e-5);
});

/** On one example, so that all epochs are alike. */
function train(change: Partial<TrainingOptions>, run: Partial<TrainingRun>): Promise<TrainingResult> {
  return trainSmall(model, dataset, change, { examples: Int32Array.of(3), ...run });
}
