import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { describeModel } from "./describe-model.ts";
import { floats, modelOf, node, value } from "./models.fixture.ts";

test("inputs and outputs are described, -1 where the caller chooses; initializers are no inputs", () => {
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "y")],
    inputs: [value("x", ["N", 6]), value("w", [6, 3]), value("n", [], "int64")],
    outputs: [value("y", ["N", "?"], "float16")],
    initializers: [floats("w", [6, 3], Array(18).fill(0))],
  });
  assert.deepEqual(describeModel(model), {
    inputs: [
      { name: "x", type: "float32", shape: [-1, 6] },
      { name: "n", type: "int64", shape: [] },
    ],
    outputs: [{ name: "y", type: "float16", shape: [-1, -1] }],
  });
});

test("what is no tensor of declared shape is refused by name", () => {
  const model = modelOf({ nodes: [node("Identity", ["x"], "y")], outputs: [{ name: "y" }] });
  assert.throws(
    () => describeModel(model),
    (error) => error instanceof SelvedgeError && error.code === "unsupported" && /"y"/.test(error.message),
  );
});
