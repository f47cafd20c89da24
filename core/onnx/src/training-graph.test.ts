import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluationGraph } from "./evaluation-graph.ts";
import { parseModel } from "./model.ts";
import { floats, modelOf, node } from "./models.fixture.ts";
import { bodyOf, options, weight } from "./training-graph.fixture.ts";
import { type TrainingOptions, trainingGraph } from "./training-graph.ts";
import { buildCnn, type CnnOptions } from "./zoo/build-cnn.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const cnn: CnnOptions = {
  inputShape: [1, 8, 8],
  channels: [4],
  kernel: 3,
  hidden: [5],
  classes: 3,
  seed: 1,
};

test("the graph is a model of standard operators that our own checks accept", () => {
  const graph = trainingGraph(
    buildMlp({ inputShape: [28, 28], hidden: [20], classes: 10, seed: 1 }),
    options,
  );
  const { input, output, node: nodes } = parseModel(graph.bytes).graph ?? {};
  assert.deepEqual(
    input?.map(({ name }) => name),
    [...graph.parameters, "learning_rate", "examples", "labels", "order", "batch_size", "steps"],
  );
  assert.deepEqual(
    output?.map(({ name }) => name),
    [...graph.updated, "loss", "weight", "correct", "counted"],
  );
  assert.equal(nodes?.filter(({ opType }) => opType === "Loop").length, 1);
  assert.deepEqual(
    { inputShape: graph.inputShape, inputType: graph.inputType, classes: graph.classes },
    { inputShape: [28, 28], inputType: "uint8", classes: 10 },
  );
  assert.deepEqual(
    graph.parameters,
    graph.layout.slots.map(({ name }) => `parameter/${name}`),
  );
});

test("each weight matrix is updated by the Gemm that makes its gradient, and no dataset gradient is made", () => {
  const graph = trainingGraph(buildMlp({ inputShape: [6], hidden: [5, 4], classes: 3, seed: 1 }), options);
  // Three forward, three fused updates, two gradients by hidden layers.
  assert.equal(bodyOf(graph).filter(({ opType }) => opType === "Gemm").length, 3 + 3 + 2);
});

test("every node of the loop is needed for an output", () => {
  const nodes = bodyOf(
    trainingGraph(buildMlp({ inputShape: [6], hidden: [5], classes: 3, seed: 1 }), options),
  );
  const read = new Set(nodes.flatMap(({ input }) => input));
  const unread = nodes.filter(({ output }) => !output.some((name) => read.has(name)));
  // Condition, four parameters, loss, right predictions, and of how many each.
  assert.deepEqual(new Set(unread.map(({ opType }) => opType)), new Set(["Identity"]));
  assert.equal(unread.length, 1 + 4 + 4);
});

test("windows that tile are pooled before they are rectified, and differentiated without indices", () => {
  const graph = trainingGraph(buildCnn(cnn), options);
  const nodes = bodyOf(graph);
  const pool = nodes.findIndex(({ opType }) => opType === "MaxPool");
  const relu = nodes.findIndex(({ opType }) => opType === "Relu");
  assert.ok(pool < relu);
  assert.equal(nodes.filter(({ opType }) => opType === "Relu").length, 1 + 1, "one for each hidden layer");
  assert.ok(nodes.every(({ opType, output }) => opType !== "MaxPool" || output.length === 1));
});

test("the gradient by a weight of many channels is one product, of few one for each example", () => {
  const products = (channels: readonly number[], opType: string) =>
    bodyOf(trainingGraph(buildCnn({ ...cnn, channels, hidden: [] }), options)).filter(
      (each) => each.opType === opType,
    ).length;
  const [many, few] = [
    [32, 32],
    [32, 16],
  ];
  assert.equal(products(many, "Gemm"), products(few, "Gemm") + 1);
  assert.equal(products(many, "MatMul"), products(few, "MatMul") - 1);
});

test("a parameter used twice gets the sum of both gradients, an unused one stays as it is", () => {
  const twice = modelOf({
    nodes: [
      node("MatMul", ["x", "v"], "h"),
      node("MatMul", ["h", "v"], "g"),
      node("MatMul", ["g", "w"], "y"),
    ],
    initializers: [floats("v", [6, 6], Array(36).fill(0.1)), weight, floats("unused", [2], [1, 2])],
  });
  const nodes = bodyOf(trainingGraph(twice, options));
  assert.equal(
    nodes.filter(({ opType }) => opType === "Add").length,
    1 + 1,
    "one for the batch, one for the sum",
  );
  assert.equal(nodes.filter(({ opType }) => opType === "Sub").length, 1 + 1, "one for the loss, one for v");
});

test("names of the model never meet names of ours", () => {
  const names = ["loss", "examples", "Gemm_1", "constant_1", "parameter/loss"];
  const parameters = names.map((name) => floats(name, [3], [0, 0, 0]));
  const adds = names.map((name, index) =>
    node(
      "Add",
      [index === 0 ? "order" : `sum${index - 1}`, name],
      index === names.length - 1 ? "y" : `sum${index}`,
    ),
  );
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "order"), ...adds],
    initializers: [weight, ...parameters],
  });
  parseModel(trainingGraph(model, options).bytes);
  parseModel(evaluationGraph(model, options).bytes);
});

test("evaluation takes the same inputs but for the learning rate, and gives loss and right predictions", () => {
  const graph = evaluationGraph(buildMlp({ inputShape: [6], hidden: [5], classes: 3, seed: 1 }), options);
  const { input, output } = parseModel(graph.bytes).graph ?? {};
  assert.deepEqual(
    input?.map(({ name }) => name),
    [...graph.parameters, "examples", "labels", "order", "batch_size", "steps"],
  );
  assert.deepEqual(
    output?.map(({ name }) => name),
    ["loss", "weight", "correct", "counted"],
  );
});

test("an option that there is not is an error, and not as if it were not there", () => {
  const model = modelOf({ nodes: [node("MatMul", ["x", "w"], "y")], initializers: [weight] });
  const misspelt: readonly [object, RegExp][] = [
    [{ clipnorm: 1 }, /a training graph has no option "clipnorm"/],
    [{ loss: { name: "huber", beta: 1 } }, /the loss huber has no option "beta"/],
    [{ optimizer: { name: "sgd", nestrov: true } }, /the optimizer sgd has no option "nestrov"/],
    [{ optimizer: { name: "adam", momentum: 0.9 } }, /the optimizer adam has no option "momentum"/],
  ];
  for (const [change, message] of misspelt) {
    const wrong = { ...options, ...change } as TrainingOptions;
    assert.throws(() => trainingGraph(model, wrong), { code: "invalid_argument", message });
  }
});
