import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { decodeMessage, kindOf, type PayloadForm } from "./decode-message.ts";

const model: ModelSignature = {
  inputs: [{ name: "x", type: "float32", dims: ["batch", 2] }],
  outputs: [{ name: "y", type: "float32", dims: ["batch"] }],
};

test("[SV22] numbers come as a JSON array, flat or nested, as text, as fields of an object, or as bytes", () => {
  const ways: readonly (readonly [string | Uint8Array, Partial<PayloadForm>])[] = [
    ["[1, -2.5, 3e1, 4]", {}],
    ["[[1, -2.5], [30, 4]]", {}],
    [" 1,-2.5;\n30\t4 ", {}],
    ['{"at": {"x": 1, "y": -2.5}, "z": 30, "w": 4}', { fields: ["at.x", "at.y", "z", "w"] }],
    [new Uint8Array(Float32Array.of(1, -2.5, 30, 4).buffer), { payload: "raw" }],
  ];
  for (const [payload, form] of ways) {
    const { feeds, fetches, binary } = decode(payload, form);
    assert.deepEqual(
      [feeds.x?.dims, feeds.x?.data],
      [[2, 2], Float32Array.of(1, -2.5, 30, 4)],
      String(payload),
    );
    assert.deepEqual([fetches, binary.size], [["y"], 0]);
  }
  const inputs = [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }];
  assert.equal(decode(JSON.stringify({ id: "q", inputs })).id, "q");
});

test("[SV22] what a message is shows at its beginning, unless the stream says it", () => {
  const auto: PayloadForm = { payload: "auto" };
  assert.equal(kindOf(Uint8Array.of(0x89, 0x50), auto), "picture");
  assert.equal(kindOf(Uint8Array.of(0xff, 0xd8), auto), "picture");
  assert.equal(kindOf(Buffer.from(" {"), auto), "json");
  assert.equal(kindOf(Buffer.from(""), auto), "numbers");
  assert.equal(kindOf(Buffer.from("{"), { payload: "raw" }), "raw");
});

test("[SV22] a message that does not fit the model is refused with the place", () => {
  const wrong: readonly (readonly [string, RegExp, Partial<PayloadForm>?])[] = [
    ["", /the message has 0 elements, \[-1,2\] needs a multiple of 2/],
    ["1,2,3", /the message has 3 elements/],
    ["1,two", /the message has "two" at place 1, which is no number/],
    ["[1,null]", /has null at element 1/],
    ["[[1,2],[3]]", /has 1 elements/],
    ["[[1,2,3]]", /shape is \[1,3\], the model wants \[-1,2\]/],
    ["1,1e999", /has Infinity at element 1/],
    ["{", /is not JSON/],
    ['{"a": 1}', /the message lacks "b"/, { fields: ["a", "b"] }],
    ['{"a": 1}', /must be an object/, { fields: ["a.b"] }],
  ];
  for (const [payload, message, form] of wrong) {
    assert.throws(() => decode(payload, form), { code: "invalid_argument", message }, payload);
  }
});

function decode(payload: string | Uint8Array, form: Partial<PayloadForm> = {}): InferRequest {
  return decodeMessage(Buffer.from(payload), { payload: "auto", ...form }, undefined, model);
}
