import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { describeModel } from "../describe-model.ts";
import { parseModel, serializeModel } from "../model.ts";
import { parameterLayout } from "../parameters.ts";
import { trainingGraph } from "../training-graph.ts";
import { buildZooModel, type ZooOptions, zoo } from "./zoo.ts";

/** Parameters, running statistics among them, and the bytes of seed 1, for the usual input of each. */
const expected: Readonly<Record<string, readonly [parameters: number, digest: string]>> = {
  mlp: [199_210, "sha256:40a95e65b3c88d4ba254ad2ce3cfefd1826770736d0048d4a1bd5d09b465ebc9"],
  lenet: [61_706, "sha256:fa6a190072f5e33027732de0351b1bab538509a7ab7963b78f666259e70702f6"],
  cnn: [1_663_370, "sha256:2ef22bfe4f2b7d8a831e71620eba32bfff5704243dee94bcfe169a86557f6481"],
  resnet: [271_098, "sha256:31e8b4ce25aefcf03fefeb612e88bd5d24b6a4203e5ba591289a46874676d8ab"],
  mobilenet: [37_306, "sha256:4971921f5e3ba0b33446a5d8a1507773c7f4314d869be46842f3c785da099ecf"],
  cnn1d: [12_166, "sha256:531425371d382c19a07b605bf2d8a25e6895674cd0db6727a57f9bd02a7825ea"],
  transformer: [30_086, "sha256:70b7dc999ecbb292d2d39f0272682aa4ded18015f60e8aa69393b7cc4ca4bf1f"],
  "char-lstm": [822_570, "sha256:7f4000df9ed828e76c0c15334f2d267c7f2821c284def5541a41473e44260e2a"],
  "char-gru": [164_394, "sha256:5cb27fccc4323956531b021224509144b68291a7c42506ba7515b82b2cef556e"],
  gpt: [116_826, "sha256:d1caaa98b0c501ccfdc2f7d851bd9094ee87c39b55414a452bead0470c1e6c96"],
  tabular: [4_326, "sha256:f1baf63449e290bc68b64c72862971d560a7a831f242aaca37c266d9b8d10dd9"],
};

for (const [name, { example }] of Object.entries(zoo)) {
  test(`the zoo's ${name} has an open batch and raw scores, and everything in it can be trained`, () => {
    const bytes = serializeModel(buildZooModel(name, { ...example, seed: 1 }));
    const model = parseModel(bytes);
    assert.deepEqual(describeModel(model), {
      inputs: [{ name: "input", type: "float32", shape: [-1, ...example.inputShape] }],
      outputs: [{ name: "logits", type: "float32", shape: [-1, example.classes] }],
    });
    const { frozen } = trainingGraph(model, {
      ...{ inputType: "float32", scale: 1 },
      ...{ loss: "softmax-cross-entropy", optimizer: "sgd" },
    });
    assert.deepEqual([...frozen], []);
    assert.deepEqual([parameterLayout(model).length, digestOf(bytes)], expected[name]);
  });
}

test("a seed gives the same bytes for ever, another seed gives others", () => {
  const digest = (seed: number) =>
    digestOf(serializeModel(buildZooModel("tabular", { inputShape: [2], classes: 2, seed })));
  assert.equal(digest(3), digest(3));
  assert.notEqual(digest(3), digest(4));
});

test("the ResNet-20 of the paper has 0.27 million weights, and its running statistics", () => {
  const { slots } = parameterLayout(
    buildZooModel("resnet", { inputShape: [3, 32, 32], classes: 10, seed: 1 }),
  );
  const weights = slots.filter(({ name }) => !/\.(mean|variance)$/.test(name));
  assert.equal(
    weights.reduce((sum, { length }) => sum + length, 0),
    269_722,
  );
});

test("what makes no network is refused with what would", () => {
  const digits = { inputShape: [1, 28, 28], classes: 10, seed: 1 };
  const refusals: readonly (readonly [string, Partial<ZooOptions>, RegExp])[] = [
    ["vgg", {}, /no model "vgg" in the zoo[\s\S]*use one of mlp, lenet, cnn, /],
    ["lenet", { inputShape: [1, 8, 8] }, /no lenet from \[1, 8, 8\] to 10 classes[\s\S]*12 pixels or more/],
    ["resnet", { inputShape: [784] }, /that is no image[\s\S]*channels, height and width/],
    ["mobilenet", { inputShape: [784] }, /that is no image[\s\S]*channels, height and width/],
    ["cnn1d", {}, /no window of readings[\s\S]*steps of a window/],
    ["transformer", {}, /no sequence[\s\S]*steps of a sequence/],
    ["char-gru", {}, /no text[\s\S]*steps of a text/],
    ["gpt", {}, /no text[\s\S]*steps of a text/],
    ["tabular", { inputShape: [2], categories: [3, 3, 3] }, /no such columns[\s\S]*at most as many/],
    ["tabular", { inputShape: [2], categories: [0] }, /0 is no size/],
    ["mlp", { classes: 0 }, /0 is no size/],
  ];
  for (const [name, change, pattern] of refusals) {
    assert.throws(
      () => buildZooModel(name, { ...digits, ...change }),
      (error) =>
        error instanceof SelvedgeError &&
        error.code === "invalid_argument" &&
        pattern.test(`${error.message} ${error.fix}`),
      name,
    );
  }
});
