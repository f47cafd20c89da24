import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { decodeInferBody } from "./infer-body.ts";

const model: ModelSignature = {
  inputs: [
    { name: "x", type: "uint16", dims: ["batch", 2] },
    { name: "on", type: "bool", dims: [] },
  ],
  outputs: [
    { name: "y", type: "float32", dims: ["batch"] },
    { name: "half", type: "float16", dims: ["batch"] },
  ],
};
const half: ModelSignature = { inputs: [{ name: "h", type: "float16", dims: ["n"] }], outputs: [] };
const x = { name: "x", shape: [2, 2], datatype: "UINT16", parameters: { binary_data_size: 8 } };
const on = { name: "on", shape: [], datatype: "BOOL", parameters: { binary_data_size: 1 } };
const blobs = [1, 0, 2, 0, 3, 0, 4, 1, 1];

test("[SV11] JSON, binary data and the wish for it may be mixed", () => {
  const asked = decode({ inputs: [x, on], parameters: { binary_data_output: true } }, blobs);
  assert.deepEqual(asked.feeds, {
    x: { type: "uint16", dims: [2, 2], data: Uint16Array.of(1, 2, 3, 260) },
    on: { type: "bool", dims: [], data: Uint8Array.of(1) },
  });
  assert.deepEqual([...asked.binary], ["y", "half"]);
  const mixed = decode(
    {
      inputs: [{ name: "on", shape: [], datatype: "BOOL", data: [false] }, x],
      parameters: { binary_data_output: true, timeout: 250 },
      outputs: [{ name: "y", parameters: { binary_data: false } }, { name: "half" }],
    },
    blobs.slice(0, 8),
  );
  assert.deepEqual([...mixed.binary, mixed.fetches, mixed.timeoutUs], ["half", ["y", "half"], 250]);
});

test("binary data without the header is refused with the header it takes", () => {
  assert.throws(() => decodeInferBody(Uint8Array.of(0, 255), undefined, model), {
    code: "invalid_argument",
    message: /^the request's body is not JSON/,
    fix: /Inference-Header-Content-Length/,
  });
});

test("[SV11] a body that is not as its header and its JSON say is refused, with the place", () => {
  const all = { parameters: { binary_data_output: true } };
  const cases: readonly [() => InferRequest, RegExp][] = [
    [
      () => decode({ ...all, inputs: [x, on] }, blobs.slice(0, 8)),
      /^inputs\[1\]\..*size is 1, the body has 0 bytes left/,
    ],
    [
      () => decode({ ...all, inputs: [x, on] }, [...blobs, 0]),
      /body has 1 bytes after the data of its inputs$/,
    ],
    [
      () => decode({ ...all, inputs: [{ ...x, shape: [1, 2] }, on] }, blobs),
      /x?binary data has 8 bytes, 2 elements of UINT16 are 4/,
    ],
    [() => decode({ ...all, inputs: [{ ...x, data: [] }, on] }, blobs), /data is there twice/],
    [
      () => decode({ ...all, inputs: [{ ...x, parameters: { binary_data_size: -1 } }] }, blobs),
      /must be a whole number and is -1/,
    ],
    [() => decode({ inputs: [x, on] }, blobs), /^outputs wants "half" of FP16 as JSON/],
    [
      () => decode({ inputs: [x, on], outputs: [{ name: "half" }] }, blobs),
      /^outputs\[0\] wants "half" of FP16 as JSON/,
    ],
    [
      () =>
        decode({ ...all, inputs: [x, on], outputs: [{ name: "y", parameters: { binary_data: 1 } }] }, blobs),
      /must be true or false and is 1/,
    ],
    [
      () => decode({ parameters: { timeout: 0.5, binary_data_output: true }, inputs: [x, on] }, blobs),
      /^parameters.timeout must be a whole number/,
    ],
    [
      () => decode({ parameters: { binary_data_output: "yes" }, inputs: [] }, []),
      /^parameters.binary_data_output must be true or false/,
    ],
    [
      () => decode({ inputs: [{ name: "h", shape: [1], datatype: "FP16", data: [1] }] }, [], half),
      /^inputs\[0\].data of FP16 cannot be JSON/,
    ],
    [() => decodeInferBody(new Uint8Array(3), "4", model), /must be at most the body's 3 bytes/],
    [() => decodeInferBody(new Uint8Array(3), "-1", model), /must be at most/],
    [() => decodeInferBody(new Uint8Array(3), "1, 1", model), /must be at most/],
    [() => decodeInferBody(Uint8Array.from(blobs), "0", model), /goes to models with one input/],
    [
      () => decodeInferBody(new Uint8Array(3), "0", half),
      /^the request's body has 3 bytes, \[-1\] needs a multiple of 2/,
    ],
    [() => decodeInferBody(new Uint8Array(0), "0", half), /has 0 bytes/],
  ];
  for (const [run, message] of cases) {
    assert.throws(run, (error) => {
      assert.ok(error instanceof SelvedgeError && error.code === "invalid_argument", String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

test("[SV11] a header length of 0 announces the bare data of the one input", () => {
  const { feeds } = decodeInferBody(Uint8Array.of(0, 0x3c, 0, 0x40), "0", half);
  assert.deepEqual(feeds, { h: { type: "float16", dims: [2], data: Float16Array.of(1, 2) } });
});

function decode(head: object, binary: readonly number[], signature = model): InferRequest {
  const json = Buffer.from(JSON.stringify(head));
  return decodeInferBody(Buffer.concat([json, Uint8Array.from(binary)]), String(json.length), signature);
}
