import assert from "node:assert/strict";
import { test } from "node:test";
import { classTargets } from "@selvedge/datasets";
import { type OnnxModel, parameterLayout, readParameters, slotOf, trainingGraph } from "@selvedge/onnx";
import { floats, integers, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { NativeSession } from "./native-session.ts";
import { runTraining } from "./training-loop.ts";

// Finite differences say nothing there: docs/reference/models.md says where the gradient goes.
const pool = (kernel: number, strides: number): Parameters<typeof node>[3] => ({
  kernel_shape: ["ints", [kernel]],
  strides: ["ints", [strides]],
});
const over = { axes: ["ints", [-1]] } as const;
const cases: readonly [what: string, last: ReturnType<typeof node>, parts: readonly number[]][] = [
  ["MaxPool of windows that tile: to the first", node("MaxPool", ["p"], "m", pool(4, 4)), [1, 0, 0, 0]],
  ["MaxPool of windows that overlap: to the first", node("MaxPool", ["p"], "m", pool(3, 1)), [1, 1, 0, 0]],
  ["GlobalMaxPool: to the first", node("GlobalMaxPool", ["p"], "m"), [1, 0, 0, 0]],
  ["ReduceMax: shared", node("ReduceMax", ["p"], "m", over), [0.25, 0.25, 0.25, 0.25]],
  ["ReduceMin: shared", node("ReduceMin", ["p"], "m", over), [0.25, 0.25, 0.25, 0.25]],
  ["Max: shared", node("Max", ["p", "q"], "m"), [0.5, 0.5, 0.5, 0.5]],
  ["Min: shared", node("Min", ["p", "q"], "m"), [0.5, 0.5, 0.5, 0.5]],
];

for (const [what, last, parts] of cases) {
  test(`where all values are equal, the gradient of ${what}`, async () => {
    const moved = await step(tied(last));
    // How far a value moves that gets all of it.
    const unit = (await step(tied(node("Identity", ["p"], "m"))))[0] ?? 0;
    assert.notEqual(unit, 0);
    for (const [index, part] of parts.entries()) {
      assert.ok(Math.abs((moved[index] ?? 0) - part * unit) < 1e-6, `${moved} for ${parts} of ${unit}`);
    }
  });
}

/** Two scores from x, and to the first of them the sum of what the node makes of four equal values. */
function tied(last: ReturnType<typeof node>): OnnxModel {
  return modelOf({
    inputs: [value("x", ["batch", 2])],
    outputs: [value("y", ["batch", 2])],
    nodes: [
      last,
      node("ReduceSum", ["m", "all"], "sum", { keepdims: ["int", 0] }),
      node("Mul", ["first", "sum"], "added"),
      node("Add", ["x", "added"], "y"),
    ],
    initializers: [
      floats("p", [1, 1, 4], [0, 0, 0, 0]),
      floats("q", [1, 1, 4], [0, 0, 0, 0]),
      floats("first", [2], [1, 0]),
      integers("all", [0, 1, 2]),
    ],
  });
}

/** How one step moves p. */
async function step(model: OnnxModel): Promise<Float32Array> {
  const options = {
    loss: "softmax-cross-entropy",
    optimizer: "sgd",
    inputType: "float32",
    scale: 1,
  } as const;
  const graph = trainingGraph(model, options);
  const session = await NativeSession.load(graph.bytes);
  const layout = parameterLayout(model);
  const { parameters } = await runTraining(session, graph, {
    parameters: readParameters(model, layout),
    dataset: {
      ...{ name: "one", length: 1, inputShape: [2], scale: 1 },
      ...{ inputs: Float32Array.of(1, 2), targets: classTargets(2, Int32Array.of(0)) },
    },
    ...{ examples: Int32Array.of(0), epochs: 1, batchSize: 1, learningRate: 1, seed: 1 },
  });
  await session.release();
  return slotOf(parameters, layout.slots.find(({ name }) => name === "p") ?? assert.fail());
}
