import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeInferResponse } from "./infer-response.ts";

const model = { name: "digits", version: "3" };

const plain = { id: undefined, feeds: {}, binary: new Set<string>(), timeoutUs: undefined };

test("outputs come in the order asked for; integers keep their digits, NaN and infinity are null", () => {
  const { json, blobs } = encodeInferResponse(
    model,
    { ...plain, id: 'a"b', fetches: ["wide", "score", "on", "text"] },
    {
      on: { type: "bool", dims: [2], data: Uint8Array.of(1, 0) },
      score: {
        type: "float32",
        dims: [1, 3],
        data: Float32Array.of(0.5, Number.NaN, Number.NEGATIVE_INFINITY),
      },
      text: { type: "string", dims: [1], data: ['"é'] },
      wide: { type: "int64", dims: [1], data: BigInt64Array.of(-9_223_372_036_854_775_808n) },
    },
  );
  assert.deepEqual(blobs, []);
  assert.match(json, /"data":\[-9223372036854775808\]/);
  const { outputs, ...head } = JSON.parse(json);
  assert.deepEqual(head, { model_name: "digits", model_version: "3", id: 'a"b' });
  assert.deepEqual(outputs.slice(1), [
    { name: "score", datatype: "FP32", shape: [1, 3], data: [0.5, null, null] },
    { name: "on", datatype: "BOOL", shape: [2], data: [true, false] },
    { name: "text", datatype: "BYTES", shape: [1], data: ['"é'] },
  ]);
  assert.ok(!("id" in JSON.parse(encodeInferResponse(model, { ...plain, fetches: [] }, {}).json)));
});

test("[SV11] outputs asked for as binary data follow the JSON in its order, each with its size", () => {
  const { json, blobs } = encodeInferResponse(
    model,
    { ...plain, fetches: ["half", "on", "text"], binary: new Set(["half", "text"]) },
    {
      half: { type: "float16", dims: [1, 2], data: Float16Array.of(1, 2) },
      on: { type: "bool", dims: [1], data: Uint8Array.of(1) },
      text: { type: "string", dims: [1], data: ["hi"] },
    },
  );
  assert.deepEqual(JSON.parse(json).outputs, [
    { name: "half", datatype: "FP16", shape: [1, 2], parameters: { binary_data_size: 4 } },
    { name: "on", datatype: "BOOL", shape: [1], data: [true] },
    { name: "text", datatype: "BYTES", shape: [1], parameters: { binary_data_size: 6 } },
  ]);
  assert.deepEqual(
    blobs.map((blob) => [...blob]),
    [
      [0, 0x3c, 0, 0x40],
      [2, 0, 0, 0, 104, 105],
    ],
  );
});
