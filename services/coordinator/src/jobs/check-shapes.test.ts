import assert from "node:assert/strict";
import { test } from "node:test";
import { buildMlp } from "@selvedge/onnx";
import { decodePlan, digestOf, encodePlan } from "@selvedge/protocol";
import { checkShapes } from "./check-shapes.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";

const plan = decodePlan(encodePlan(smallPlan(digestOf(Buffer.from("model")), 1, 1, 2)));

test("a model of the plan's shape and classes is taken", () => {
  checkShapes(plan, smallModel);
});

test("a model of one score is what binary cross-entropy wants of two classes, and no other loss", () => {
  const binary = { ...plan, train: { ...plan.train, loss: "binary-cross-entropy" } };
  const oneScore = buildMlp({ inputShape: [4], hidden: [], classes: 1, seed: 1 });
  checkShapes(binary, oneScore);
  const message = /gives 2 scores.*binary-cross-entropy of 2 classes wants 1/;
  assert.throws(() => checkShapes(binary, smallModel), { code: "invalid_argument", message });
  assert.throws(() => checkShapes(plan, oneScore), { code: "invalid_argument" });
});

test("[DS4] one that takes other examples or knows other classes is refused with both shapes", () => {
  const others = [
    buildMlp({ inputShape: [5], hidden: [], classes: 2, seed: 1 }),
    buildMlp({ inputShape: [2, 3], hidden: [], classes: 2, seed: 1 }),
    buildMlp({ inputShape: [4], hidden: [], classes: 3, seed: 1 }),
  ];
  const messages = [
    /takes \[5\].*has \[4\]/,
    /takes \[2, 3\].*has \[4\]/,
    /gives 3 scores.*of 2 classes wants 2/,
  ];
  for (const [index, model] of others.entries()) {
    assert.throws(() => checkShapes(plan, model), { code: "invalid_argument", message: messages[index] });
  }
});
