import assert from "node:assert/strict";
import { test } from "node:test";
import { classTargets, type Dataset } from "@selvedge/datasets";
import {
  describeModel,
  evaluationGraph,
  type Loss,
  type OnnxModel,
  parameterLayout,
  parseModel,
  readParameters,
  serializeModel,
  slotOf,
  type TrainingOptions,
  trainingGraph,
  withoutLoss,
} from "@selvedge/onnx";
import { floats, integers, type ModelParts, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { runEvaluation } from "./evaluation-loop.ts";
import { NativeSession } from "./native-session.ts";
import { classes, features, trainSmall } from "./small-training.fixture.ts";
import type { TrainingResult } from "./training-loop.ts";

const length = 23;
const custom: Loss = { name: "custom", output: "loss" };

const scores: ModelParts["nodes"] = [node("MatMul", ["x", "w"], "h"), node("Add", ["h", "b"], "y")];
const weights = [
  floats(
    "w",
    [features, classes],
    Array.from({ length: features * classes }, (_, i) => Math.sin(i)),
  ),
  floats("b", [classes], [0, 0, 0]),
];
/** -log softmax of the class, of each example; float32 [batch]. */
const crossEntropy: ModelParts["nodes"] = [
  node("LogSoftmax", ["y"], "logp", { axis: ["int", -1] }),
  node("Unsqueeze", ["labels", "one"], "column"),
  node("GatherElements", ["logp", "column"], "of class", { axis: ["int", 1] }),
  node("Squeeze", ["of class", "one"], "right"),
];

const ofEach = classifier([...crossEntropy, node("Neg", ["right"], "loss")], ["N"]);
const ofMean = classifier(
  [
    ...crossEntropy,
    node("ReduceMean", ["right"], "mean", { keepdims: ["int", 0] }),
    node("Neg", ["mean"], "loss"),
  ],
  [],
);
const plain = modelOf({
  inputs: [value("x", ["N", features])],
  nodes: scores,
  outputs: [value("y", ["N", classes])],
  initializers: weights,
});

for (const [name, model] of Object.entries({ "of each example": ofEach, "the mean of a batch": ofMean })) {
  test(`a cross-entropy that the model computes, ${name}, trains and measures as ours`, async () => {
    const dataset = labelled(
      classTargets(
        classes,
        Int32Array.from({ length }, (_, i) => (i * 7) % classes),
      ),
    );
    for (const change of [{}, { optimizer: { name: "adam" }, clipNorm: 0.1 }, { accumulate: 2 }] as const) {
      const own = await train(model, dataset, { loss: custom, ...change });
      const ours = await train(plain, dataset, { loss: "softmax-cross-entropy", ...change });
      assertClose([own.loss], [ours.loss]);
      assertClose(own.parameters, ours.parameters);
      assert.equal(own.accuracy, undefined);
    }
    const [own, ours] = [
      await evaluate(model, dataset, custom),
      await evaluate(plain, dataset, { name: "softmax-cross-entropy" }),
    ];
    assertClose([own], [ours]);
  });
}

test("a loss of numbers that the model computes trains as ours, parameters of the loss with it", async () => {
  const model = modelOf({
    inputs: [value("x", ["N", features]), value("labels", ["N", classes])],
    nodes: [
      ...scores,
      node("Sub", ["y", "labels"], "d"),
      node("Mul", ["d", "d"], "squares"),
      node("Mul", ["squares", "weights"], "loss"),
    ],
    outputs: [value("y", ["N", classes]), value("loss", ["N", classes])],
    initializers: [...weights, floats("weights", [classes], [1, 1, 1])],
  });
  const random = SeededRandom.fromSeed("numbers");
  const values = Float32Array.from({ length: length * classes }, () => random.uniform());
  const dataset = labelled({ kind: "numbers", shape: [classes], values });
  const own = await train(model, dataset, { loss: custom, frozen: ["weights"] });
  const ours = await train(plain, dataset, { loss: "mean-squared-error" });
  assertClose([own.loss], [ours.loss]);
  assertClose(own.parameters.subarray(0, ours.parameters.length), ours.parameters);
  const free = await train(model, dataset, { loss: custom });
  const slot = parameterLayout(model).slots.find(({ name }) => name === "weights") ?? assert.fail();
  assert.ok(
    slotOf(free.parameters, slot).every((weight) => weight < 1),
    "it is cheapest to weigh nothing",
  );
});

test("[RE12] without its loss a model takes no labels, and says what it said", async () => {
  const cut = parseModel(serializeModel(withoutLoss(ofEach, "loss")));
  assert.deepEqual(describeModel(cut), describeModel(plain));
  assert.deepEqual(
    cut.graph?.initializer.map(({ name }) => name),
    ["w", "b"],
  );
  const x = {
    type: "float32",
    dims: [2, features],
    data: Float32Array.from({ length: 10 }, (_, i) => i / 7),
  } as const;
  const answers = await Promise.all(
    [cut, plain].map(async (model) => {
      const session = await NativeSession.load(serializeModel(model));
      return await session.run({ x }).finally(() => session.release());
    }),
  );
  assert.deepEqual(answers[0], answers[1]);
});

test("what is no loss is refused, and says why", () => {
  const refused: readonly [OnnxModel, string, RegExp][] = [
    [ofEach, "cost", /no output "cost" of float32: "y", "loss"/],
    [plain, "y", /no output of float32/],
    [classifier([node("Neg", ["y"], "loss")], ["N", classes]), "loss", /depends on 0 inputs beside "x"/],
  ];
  for (const [model, output, message] of refused) {
    assert.throws(
      () => trainingGraph(model, options({ loss: { name: "custom", output } })),
      (error) =>
        error instanceof SelvedgeError && error.code === "unsupported" && message.test(error.message),
    );
  }
});

function classifier(loss: ModelParts["nodes"], shape: readonly (string | number)[]): OnnxModel {
  return modelOf({
    inputs: [value("x", ["N", features]), value("labels", ["N"], "int64")],
    nodes: [...scores, ...loss],
    outputs: [value("y", ["N", classes]), value("loss", shape)],
    initializers: [...weights, integers("one", [1])],
  });
}

function options(change: Partial<TrainingOptions>): TrainingOptions {
  return { loss: custom, optimizer: "sgd", inputType: "float32", scale: 1, ...change };
}

function train(
  model: OnnxModel,
  dataset: Dataset,
  change: Partial<TrainingOptions>,
): Promise<TrainingResult> {
  return trainSmall(model, dataset, change, { epochs: 2 });
}

async function evaluate(model: OnnxModel, dataset: Dataset, loss: Loss): Promise<number> {
  const graph = evaluationGraph(model, { loss, inputType: "float32", scale: 1 });
  const session = await NativeSession.load(graph.bytes);
  const parameters = readParameters(model, parameterLayout(model));
  const examples = Int32Array.from(Array(length).keys());
  const measured = await runEvaluation(session, graph, { parameters, dataset, examples });
  await session.release();
  return measured.loss;
}

function labelled(targets: Dataset["targets"]): Dataset {
  const random = SeededRandom.fromSeed("examples");
  const inputs = Float32Array.from({ length: length * features }, () => random.uniform());
  return { name: "small", length, inputShape: [features], inputs, scale: 1, targets };
}

function assertClose(actual: Iterable<number>, expected: Iterable<number>): void {
  const [one, other] = [[...actual], [...expected]];
  assert.equal(one.length, other.length);
  for (const [index, number] of one.entries()) {
    assert.ok(
      Math.abs(number - (other[index] ?? Number.NaN)) < 1e-6,
      `${index}: ${number} and ${other[index]}`,
    );
  }
}
