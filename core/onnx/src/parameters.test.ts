import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
import { parameterLayout, readParameters } from "./parameters.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const mixed = modelOf({
  nodes: [node("Reshape", ["x", "shape"], "r"), node("MatMul", ["r", "w"], "y")],
  initializers: [
    floats("w", [6, 3], [...Array(18).keys()]),
    integers("shape", [-1, 6]),
    floats("scale", [], [2]),
    { ...floats("b", [3], []), rawData: new Uint8Array(), floatData: [7, 8, 9] },
  ],
});

test("the layout holds float32 tensors of at least one dimension, in graph order without gaps", () => {
  assert.deepEqual(parameterLayout(mixed), {
    slots: [
      { name: "w", shape: [6, 3], offset: 0, length: 18 },
      { name: "b", shape: [3], offset: 18, length: 3 },
    ],
    length: 21,
  });
});

test("parameters are read from raw data and from typed fields", () => {
  const flat = readParameters(mixed, parameterLayout(mixed));
  assert.deepEqual([...flat], [...Array(18).keys(), 7, 8, 9]);
});

test("a layout of another model is refused", () => {
  const layout = parameterLayout(mixed);
  const other = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  assert.throws(() => readParameters(other, layout), isError("failed_precondition", /"w" of shape \[6, 3\]/));
});

function isError(code: string, pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code && pattern.test(error.message);
}
