import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { classTargets, type Dataset } from "./dataset.ts";
import { reshapeExamples } from "./reshape-examples.ts";

const digits: Dataset = {
  name: "digits",
  length: 1,
  inputShape: [2, 3],
  inputs: new Uint8Array(6),
  scale: 1 / 255,
  targets: classTargets(10, Int32Array.of(0)),
};

test("reshapeExamples flattens without a copy", () => {
  const flat = reshapeExamples(digits, [6]);
  assert.deepEqual(flat.inputShape, [6]);
  assert.equal(flat.inputs, digits.inputs);
  assert.deepEqual(digits.inputShape, [2, 3]);
});

test("reshapeExamples refuses another size with both shapes in the message", () => {
  assert.throws(
    () => reshapeExamples(digits, [28, 28]),
    (error) =>
      error instanceof SelvedgeError &&
      error.code === "failed_precondition" &&
      error.message.includes("[2, 3]") &&
      error.message.includes("[28, 28]"),
  );
});
