import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { parseModel, serializeModel } from "./model.ts";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
import { parameterLayout, readParameters } from "./parameters.ts";
import { writeParameters } from "./write-parameters.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const mixed = modelOf({
  nodes: [node("Reshape", ["x", "shape"], "r"), node("MatMul", ["r", "w"], "y")],
  initializers: [
    floats("w", [6, 3], [...Array(18).keys()]),
    integers("shape", [-1, 6]),
    floats("scale", [], [2]),
  ],
});
const file = serializeModel(mixed);

test("written parameters are read back, and what is none stays as it is", () => {
  const layout = parameterLayout(mixed);
  const flat = Float32Array.from({ length: layout.length }, (_, index) => index / 7);
  const written = parseModel(writeParameters(file, layout, flat));
  assert.deepEqual(readParameters(written, layout), flat);
  assert.deepEqual(written.graph?.node, mixed.graph?.node);
  assert.deepEqual(written.graph?.initializer.slice(1), mixed.graph?.initializer.slice(1));
});

test("vectors, layouts and files of other models are refused", () => {
  const layout = parameterLayout(mixed);
  const write = (bytes: Uint8Array, length: number) => () =>
    writeParameters(bytes, layout, new Float32Array(length));
  assert.throws(write(file, 17), isError("invalid_argument", /18.*17/));
  const other = serializeModel(buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 }));
  assert.throws(write(other, 18), isError("failed_precondition", /"w" of shape \[6, 3\]/));
  const shorter = serializeModel(modelOf({ nodes: [], initializers: [floats("w", [3], [1, 2, 3])] }));
  assert.throws(write(shorter, 18), isError("failed_precondition", /"w" of shape \[6, 3\]/));
  const longer = serializeModel(modelOf({ nodes: [], initializers: [floats("w", [20], Array(20).fill(1))] }));
  assert.throws(write(longer, 18), isError("failed_precondition", /"w" of shape \[6, 3\]/));
  assert.throws(write(file.subarray(0, file.length - 9), 18), isError("corrupt", /not an ONNX file/));
});

function isError(code: string, pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code && pattern.test(error.message);
}
