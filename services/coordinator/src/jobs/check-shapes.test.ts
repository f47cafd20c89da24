import assert from "node:assert/strict";
import { test } from "node:test";
import { buildMlp, type LossName, type OnnxModel, trainingGraph } from "@selvedge/onnx";
import { decodePlan, digestOf, encodePlan } from "@selvedge/protocol";
import { checkShapes } from "./check-shapes.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";

const plan = decodePlan(encodePlan(smallPlan(digestOf(Buffer.from("model")), 1, 1, 2)));

function graphOf(
  model: OnnxModel,
  loss: LossName = "softmax-cross-entropy",
): ReturnType<typeof trainingGraph> {
  return trainingGraph(model, { loss, optimizer: "sgd", inputType: "float32", scale: 1 });
}

function mlp(inputShape: readonly number[], classes: number): OnnxModel {
  return buildMlp({ inputShape, hidden: [], classes, seed: 1 });
}

test("a model of the plan's shape and classes is taken", () => {
  checkShapes(plan, graphOf(smallModel));
});

test("a model of one score is what binary cross-entropy wants of two classes, and no other loss", () => {
  checkShapes(plan, graphOf(mlp([4], 1), "binary-cross-entropy"));
  const message = /gives \[2\], of which its loss learns 2 classes of \[2\].*has \[4\] and 2 classes$/;
  const twoScores = graphOf(smallModel, "binary-cross-entropy");
  assert.throws(() => checkShapes(plan, twoScores), { code: "invalid_argument", message });
  assert.throws(() => checkShapes(plan, graphOf(mlp([4], 1))), { code: "invalid_argument" });
});

test("[DS4] one that takes other examples or learns other targets is refused with both shapes", () => {
  const refused: readonly [OnnxModel, LossName, RegExp][] = [
    [mlp([5], 2), "softmax-cross-entropy", /takes \[5\].*has \[4\]/],
    [mlp([2, 3], 2), "softmax-cross-entropy", /takes \[2, 3\].*has \[4\]/],
    [mlp([4], 3), "softmax-cross-entropy", /learns 3 classes.*has \[4\] and 2 classes/],
    [mlp([4], 2), "mean-squared-error", /learns numbers \[2\].*has \[4\] and 2 classes/],
  ];
  for (const [model, loss, message] of refused) {
    assert.throws(() => checkShapes(plan, graphOf(model, loss)), { code: "invalid_argument", message });
  }
});
