import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { buildMlp } from "./build-mlp.ts";
import { elementTypes } from "./element-type.ts";
import { parseModel, serializeModel } from "./model.ts";
import { floats, integers, modelOf, node } from "./models.fixture.ts";
import { parameterLayout, readParameters, writeParameters } from "./parameters.ts";

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

test("written parameters are read back, and nothing else of the model changes", () => {
  const layout = parameterLayout(mixed);
  const flat = Float32Array.from({ length: layout.length }, (_, index) => index / 7);
  const written = parseModel(serializeModel(writeParameters(mixed, layout, flat)));
  assert.deepEqual(readParameters(written, layout), flat);
  assert.deepEqual([...readParameters(mixed, layout)], [...Array(18).keys(), 7, 8, 9]);
  assert.deepEqual(written.graph?.node, mixed.graph?.node);
  assert.deepEqual(written.graph?.initializer[1], mixed.graph?.initializer[1]);
  assert.equal(written.graph?.initializer[3]?.dataType, elementTypes.float32.code);
});

test("a tensor's description survives new parameters", () => {
  const model = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  const layout = parameterLayout(model);
  const [tensor] = model.graph?.initializer ?? [];
  assert.ok(tensor !== undefined);
  // TensorProto.doc_string (12), which our schema leaves out.
  tensor.$unknown = [{ no: 12, wireType: 2, data: Uint8Array.of(2, 104, 105) }];
  const written = serializeModel(writeParameters(model, layout, new Float32Array(layout.length)));
  assert.ok(Buffer.from(written).includes(Buffer.from([(12 << 3) | 2, 2, 104, 105])));
});

test("vectors and layouts of other models are refused", () => {
  const layout = parameterLayout(mixed);
  const other = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
  assert.throws(
    () => writeParameters(mixed, layout, new Float32Array(20)),
    isError("invalid_argument", /21.*20/),
  );
  assert.throws(() => readParameters(other, layout), isError("failed_precondition", /"w" of shape \[6, 3\]/));
});

function isError(code: string, pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code && pattern.test(error.message);
}
