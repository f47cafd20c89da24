import assert from "node:assert/strict";
import { test } from "node:test";
import { buildMlp, parameterLayout, parseModel, readParameters, serializeModel } from "@selvedge/onnx";
import { withWeights } from "./starting-point.ts";

function file(hidden: readonly number[], seed: number): Uint8Array {
  return serializeModel(buildMlp({ inputShape: [4], hidden, classes: 2, seed }));
}

test("a model has the weights that it begins with, and is otherwise as it was", () => {
  const own = file([3], 1);
  const begun = withWeights(own, { name: "digits@3", bytes: file([3], 2) });
  assert.deepEqual(begun, file([3], 2));
  const model = parseModel(begun);
  assert.equal(readParameters(model, parameterLayout(model)).length, 4 * 3 + 3 + 3 * 2 + 2);
});

test("weights of another layout are refused by the first parameter that differs", () => {
  const refusal = (own: Uint8Array, bytes: Uint8Array, message: RegExp): void =>
    assert.throws(() => withWeights(own, { name: "digits@3", bytes }), {
      code: "failed_precondition",
      message,
    });
  refusal(
    file([5], 1),
    file([3], 1),
    /^digits@3 has no parameter "fc1.weight" of shape \[4, 5\], which the job's/,
  );
  refusal(file([3], 1), file([3, 3], 1), /^digits@3 has no|^the job's model has no parameter/);
});
