import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  evaluationGraph,
  type OnnxModel,
  ports,
  readParameters,
  serializeModel,
  slotOf,
  trainingGraph,
} from "@selvedge/onnx";
import { opsetForms } from "@selvedge/onnx/opset-forms.fixture";
import { SeededRandom } from "@selvedge/protocol";
import { NativeSession } from "./native-session.ts";
import type { Tensor, Tensors } from "./tensor.ts";

// The runtime takes every form as it is in the file: it says what each means.
describe("a model means the same and trains the same in every operator set", () => {
  for (const { name, inputShape, models } of opsetForms()) {
    test(name, async () => {
      const x = examples(name, inputShape);
      const [first, ...others] = await Promise.all(
        models.map(async ({ opset, model }) => ({ opset, ...(await outcome(model, x)) })),
      );
      assert.ok(first !== undefined && others.length > 0);
      for (const { opset, y, loss, updated } of [first, ...others]) {
        assertClose(y, first.y, `what operator set ${opset} gives`);
        assertClose(loss, [meanSquare(y)], `the loss in operator set ${opset}`);
        assertClose(updated, first.updated, `the weight after a step in operator set ${opset}`);
      }
    });
  }
});

interface Outcome {
  /** By the file itself. */
  readonly y: Float32Array;
  /** By the graph that measures it: the mean square. */
  readonly loss: readonly number[];
  /** By the graph that trains it: the parameter after one step. */
  readonly updated: Float32Array;
}

async function outcome(model: OnnxModel, x: Tensor): Promise<Outcome> {
  const file = await run(serializeModel({ ...model, irVersion: 10n }), { x });
  const y = floats(file, "y");
  const [batch = 1] = x.dims;
  const labels: Tensor = { type: "float32", dims: file.y?.dims ?? [], data: new Float32Array(y.length) };
  const options = { inputType: "float32", scale: 1, loss: "mean-squared-error" } as const;
  const evaluation = evaluationGraph(model, options);
  const training = trainingGraph(model, { ...options, optimizer: "sgd" });
  const weights = readParameters(model, training.layout);
  const parameters = training.layout.slots.map((slot, index): [string, Tensor] => [
    training.parameters[index] ?? "",
    { type: "float32", dims: slot.shape, data: slotOf(weights, slot) },
  ]);
  const feeds: Tensors = {
    ...Object.fromEntries(parameters),
    [ports.examples]: x,
    [ports.labels]: labels,
    [ports.order]: { type: "int32", dims: [batch], data: Int32Array.from(Array(batch).keys()) },
    [ports.batchSize]: integer(batch),
    [ports.steps]: integer(1),
  };
  const measured = await run(evaluation.bytes, feeds);
  const trained = await run(training.bytes, {
    ...feeds,
    [ports.learningRate]: { type: "float32", dims: [], data: Float32Array.of(1) },
    ...(training.isCounting && { [ports.stepsBefore]: integer(0) }),
    ...(training.isRandom && { [ports.seed]: integer(1) }),
  });
  const [sum = Number.NaN] = floats(measured, ports.loss);
  const [weight = Number.NaN] = floats(measured, ports.weight);
  return { y, loss: [sum / weight], updated: floats(trained, "updated/w") };
}

async function run(model: Uint8Array, feeds: Tensors): Promise<Tensors> {
  const session = await NativeSession.load(model);
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** Three, positive: some operators have no gradient elsewhere. */
function examples(name: string, shape: readonly number[]): Tensor {
  const random = SeededRandom.fromSeed(name);
  const dims = [3, ...shape];
  const length = dims.reduce((product, size) => product * size, 1);
  return { type: "float32", dims, data: Float32Array.from({ length }, () => 0.1 + random.uniform()) };
}

function integer(value: number): Tensor {
  return { type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) };
}

function floats(outputs: Tensors, name: string): Float32Array {
  const tensor = outputs[name];
  assert.ok(tensor?.type === "float32", `it gives "${name}"`);
  return tensor.data;
}

function meanSquare(values: Float32Array): number {
  return values.reduce((sum, each) => sum + each ** 2, 0) / values.length;
}

function assertClose(got: ArrayLike<number>, wanted: ArrayLike<number>, what: string): void {
  assert.equal(got.length, wanted.length, what);
  for (const [index, expected] of Array.from(wanted).entries()) {
    const difference = Math.abs((got[index] ?? Number.NaN) - expected);
    assert.ok(
      difference < 2e-5 * (1 + Math.abs(expected)),
      `${what}: [${index}] is ${got[index]}, not ${expected}`,
    );
  }
}
