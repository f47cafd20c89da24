import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluationGraph } from "./evaluation-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { stepCost } from "./step-cost.ts";
import { type TrainingOptions, trainingGraph } from "./training-graph.ts";
import { buildCnn, fedAvgCnn } from "./zoo/build-cnn.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "float32",
  scale: 1,
};

test("memory is the most that lives at once: a value goes with its last reader, and a view holds it", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", 10]);
  const a = g.node("Exp", [x], {});
  const flat = g.node("Reshape", [a, g.integers(-1)], {});
  const b = g.node("Neg", [flat], {});
  const c = g.node("Abs", [b], {});
  const unread = g.node("Exp", [c], {});
  assert.ok(unread.shape.length > 0);
  const bytes = (values: number): number => values * 4 * 10 * 3;
  // x is not ours to free; then a and b, or b and c.
  assert.deepEqual(stepCost(g.tape, [], [c], 3), { memoryBytes: bytes(2), multiplyAdds: 0 });
  assert.deepEqual(stepCost(g.tape, [x], [c], 3), { memoryBytes: bytes(3), multiplyAdds: 0 });
});

test("a training step of a multilayer perceptron multiplies three times what its forward pass does", () => {
  const model = buildMlp({ inputShape: [20], hidden: [30], classes: 10, seed: 1 });
  const forward = 20 * 30 + 30 * 10;
  assert.equal(evaluationGraph(model, options).cost(7).multiplyAdds, 7 * forward);
  // Nothing asks for the gradient by the images.
  assert.equal(trainingGraph(model, options).cost(7).multiplyAdds, 7 * (3 * forward - 20 * 30));
});

test("the FedAvg paper's CNN multiplies what its layers say, and holds more for larger batches", () => {
  const model = buildCnn({ ...fedAvgCnn, seed: 1 });
  const layers = [784 * 25 * 32, 196 * 25 * 32 * 64, 3136 * 512, 512 * 10];
  const [first = 0] = layers;
  const forward = layers.reduce((sum, each) => sum + each, 0);
  const graph = trainingGraph(model, options);
  assert.equal(evaluationGraph(model, options).cost(10).multiplyAdds, 10 * forward);
  assert.equal(graph.cost(10).multiplyAdds, 10 * (3 * forward - first));
  // The most is held where the second convolution's weight is differentiated: what each tap sees of each image.
  const columns = 4 * 196 * 25 * 32;
  const [small, large] = [100, 200].map((size) => graph.cost(size).memoryBytes);
  assert.ok(small !== undefined && large !== undefined);
  assert.ok(large - small > 100 * columns && large - small < 200 * columns, `${small} and ${large}`);
  assert.ok(graph.cost(1).memoryBytes > 2 * 4 * 3136 * 512, "the largest weight, before and after");
});
