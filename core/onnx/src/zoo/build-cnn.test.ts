import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { describeModel } from "../describe-model.ts";
import { parseModel, serializeModel } from "../model.ts";
import { parameterLayout } from "../parameters.ts";
import { buildCnn, type CnnOptions, fedAvgCnn } from "./build-cnn.ts";

const paper: CnnOptions = { ...fedAvgCnn, seed: 42 };
const small: CnnOptions = { ...paper, inputShape: [2, 9, 8], channels: [3], kernel: 3, hidden: [4] };

test("the FedAvg paper's CNN has 1,663,370 parameters, an open batch, and raw scores", () => {
  const model = parseModel(serializeModel(buildCnn(paper)));
  assert.equal(parameterLayout(model).length, 1_663_370);
  assert.deepEqual(describeModel(model), {
    inputs: [{ name: "input", type: "float32", shape: [-1, 1, 28, 28] }],
    outputs: [{ name: "logits", type: "float32", shape: [-1, 10] }],
  });
});

test("the layers have the shapes asked for, and odd sides are halved downwards", () => {
  const { slots } = parameterLayout(buildCnn(small));
  assert.deepEqual(
    slots.map(({ name, shape }) => [name, ...shape]),
    [
      ["conv1.weight", 3, 2, 3, 3],
      ["conv1.bias", 3],
      ["fc1.weight", 4, 3 * 4 * 4],
      ["fc1.bias", 4],
      ["fc2.weight", 10, 4],
      ["fc2.bias", 10],
    ],
  );
});

test("a seed gives the same bytes for ever, another seed gives others", () => {
  const digest = (seed: number) => digestOf(serializeModel(buildCnn({ ...small, seed })));
  assert.equal(digest(1), expectedDigest);
  assert.notEqual(digest(2), digest(1));
});

test("impossible layers are refused", () => {
  const wrong: readonly Partial<CnnOptions>[] = [
    { inputShape: [28, 28] },
    { inputShape: [1, 28, 3] },
    { channels: [] },
    { kernel: 4 },
    { classes: 0 },
    { hidden: [1.5] },
  ];
  for (const change of wrong) {
    assert.throws(
      () => buildCnn({ ...paper, ...change }),
      (error) => error instanceof SelvedgeError && error.code === "invalid_argument",
      JSON.stringify(change),
    );
  }
});

test("layers larger than any model are refused before memory is taken for them", () => {
  for (const change of [{ channels: [1e9] }, { hidden: [1e9] }, { hidden: [2e4, 2e4] }, { classes: 1e9 }]) {
    assert.throws(
      () => buildCnn({ ...paper, ...change }),
      (error) => error instanceof SelvedgeError && error.code === "too_large",
      JSON.stringify(change),
    );
  }
  assert.throws(() => buildCnn({ ...small, hidden: [2 ** 23] }), /have 494927939 parameters/);
});

const expectedDigest = "sha256:19f60be347dae98116b9df234dd5ae99f404688836447691f6255b09235e3c1c";
