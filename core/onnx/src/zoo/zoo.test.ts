import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { describeModel, type TensorDescription } from "../describe-model.ts";
import { parseModel, serializeModel } from "../model.ts";
import { parameterLayout } from "../parameters.ts";
import { trainingGraph } from "../training-graph.ts";
import { buildZooModel, type ZooOptions, zoo } from "./zoo.ts";

/** Parameters, running statistics among them, and the bytes of seed 1, for the usual input of each. */
const expected: Readonly<Record<string, readonly [parameters: number, digest: string]>> = {
  mlp: [199_210, "sha256:40a95e65b3c88d4ba254ad2ce3cfefd1826770736d0048d4a1bd5d09b465ebc9"],
  lenet: [61_706, "sha256:fa6a190072f5e33027732de0351b1bab538509a7ab7963b78f666259e70702f6"],
  cnn: [1_663_370, "sha256:2ef22bfe4f2b7d8a831e71620eba32bfff5704243dee94bcfe169a86557f6481"],
  resnet: [271_098, "sha256:74170fbe2a125a2699d5652fa53117fba2de17b0db5ec4bc8348a3434223cb4a"],
  mobilenet: [37_306, "sha256:67816f0122793ab05c7a9427178fa0fa854a8d31dc304eac5fa3ab299f724dd4"],
  cnn1d: [12_166, "sha256:531425371d382c19a07b605bf2d8a25e6895674cd0db6727a57f9bd02a7825ea"],
  transformer: [30_086, "sha256:c33c42aeac21365c420e60f0218dd77676367f94a0f2df0f5fa52fb828f3d1df"],
  "char-lstm": [822_570, "sha256:f19993b5cfc5f90203484e2da9d4a2329a86d5f2e59fe684af1901072cc3fc18"],
  "char-gru": [164_394, "sha256:d53cdb6670867b115d0316b0d16bd63d75f2364770782ebe2c7f8882ca2920d9"],
  gpt: [116_826, "sha256:6c4fad6d173b30aa6114702d93e57ab4f049ab1b1a7b3b28a770f76d2999db7a"],
  tabular: [4_326, "sha256:f1baf63449e290bc68b64c72862971d560a7a831f242aaca37c266d9b8d10dd9"],
  autoencoder: [1_913, "sha256:3b7d76baa38449106bfcb865f68450ee8b930365fe37cc70bbf5ae3ecd133ed6"],
  unet: [118_018, "sha256:1aa8774ba4cd8dc5594a1da757b9660c9dc2058ca9d126e5e2b62e1c2885294d"],
};

/** Of those that tell no classes of whole examples. */
const outputs: Readonly<Record<string, TensorDescription>> = {
  autoencoder: { name: "reconstruction", type: "float32", shape: [-1, 1, 28, 28] },
  unet: { name: "logits", type: "float32", shape: [-1, 2, 64, 64] },
};

for (const [name, { example, loss }] of Object.entries(zoo)) {
  test(`the zoo's ${name} has an open batch, and everything in it can be trained`, () => {
    const bytes = serializeModel(buildZooModel(name, { ...example, seed: 1 }));
    const model = parseModel(bytes);
    assert.deepEqual(describeModel(model), {
      inputs: [{ name: "input", type: "float32", shape: [-1, ...example.inputShape] }],
      outputs: [outputs[name] ?? { name: "logits", type: "float32", shape: [-1, example.classes] }],
    });
    const { frozen } = trainingGraph(model, {
      ...{ inputType: "float32", scale: 1 },
      ...{ loss, optimizer: "sgd" },
    });
    assert.deepEqual([...frozen], []);
    assert.deepEqual([parameterLayout(model).length, digestOf(bytes)], expected[name]);
  });
}

test("a model that tells classes apart has to be told how many", () => {
  assert.throws(() => buildZooModel("mlp", { inputShape: [2], seed: 1 }), /how many classes/);
});

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
    ["autoencoder", { inputShape: [1, 6, 6] }, /no autoencoder from \[1, 6, 6\][\s\S]*multiples of 4/],
    ["unet", { inputShape: [1, 6, 8] }, /no such image[\s\S]*multiples of 4/],
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
