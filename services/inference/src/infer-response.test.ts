import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeInferResponse } from "./infer-response.ts";

const model = { name: "digits", version: "3" };

test("outputs come in the order asked for; integers keep their digits, NaN and infinity are null", () => {
  const body = encodeInferResponse(
    model,
    { id: 'a"b', feeds: {}, fetches: ["wide", "score", "on"] },
    {
      on: { type: "bool", dims: [2], data: Uint8Array.of(1, 0) },
      score: {
        type: "float32",
        dims: [1, 3],
        data: Float32Array.of(0.5, Number.NaN, Number.NEGATIVE_INFINITY),
      },
      wide: { type: "int64", dims: [1], data: BigInt64Array.of(-9_223_372_036_854_775_808n) },
    },
  );
  assert.match(body, /"data":\[-9223372036854775808\]/);
  const { outputs, ...head } = JSON.parse(body);
  assert.deepEqual(head, { model_name: "digits", model_version: "3", id: 'a"b' });
  assert.deepEqual(outputs.slice(1), [
    { name: "score", datatype: "FP32", shape: [1, 3], data: [0.5, null, null] },
    { name: "on", datatype: "BOOL", shape: [2], data: [true, false] },
  ]);
  assert.ok(!("id" in JSON.parse(encodeInferResponse(model, { id: undefined, feeds: {}, fetches: [] }, {}))));
});
