import type { FuzzTarget } from "@selvedge/testkit";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";
import { decodeInferBody } from "./infer-body.ts";

const model: ModelSignature = {
  inputs: [
    { name: "x", type: "float32", dims: ["batch", 2] },
    { name: "on", type: "bool", dims: [] },
    { name: "text", type: "string", dims: ["batch"] },
  ],
  outputs: [
    { name: "y", type: "float32", dims: ["batch"] },
    { name: "half", type: "float16", dims: ["batch"] },
  ],
};
const bare: ModelSignature = { ...model, inputs: [{ name: "x", type: "int16", dims: ["batch", 2] }] };

const json = {
  id: "42",
  inputs: [
    { name: "x", shape: [2, 2], datatype: "FP32", data: [1, 2, 3, 4] },
    { name: "on", shape: [], datatype: "BOOL", data: [true] },
    { name: "text", shape: [2], datatype: "BYTES", data: ["a", "é"] },
  ],
  outputs: [{ name: "y" }],
};
const binary = {
  parameters: { binary_data_output: true, timeout: 1_000 },
  inputs: [
    { name: "x", shape: [1, 2], datatype: "FP32", parameters: { binary_data_size: 8 } },
    { name: "on", shape: [], datatype: "BOOL", parameters: { binary_data_size: 1 } },
    { name: "text", shape: [1], datatype: "BYTES", parameters: { binary_data_size: 6 } },
  ],
};

/** An input begins with the length of its JSON, two bytes; 65,535 stands for no such header. */
export const target: FuzzTarget = {
  name: "infer-body",
  examples: () => [
    Buffer.concat([Uint8Array.of(0xff, 0xff), Buffer.from(JSON.stringify(json))]),
    withBlobs(JSON.stringify(binary), Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64, 1, 2, 0, 0, 0, 104, 105)),
    withBlobs("", Uint8Array.of(1, 0, 2, 0)),
  ],
  words: [
    '"shape":[',
    '"data":[[',
    '"datatype":"INT64"',
    '"binary_data_size":',
    '"binary_data":true',
    '"__proto__":',
    "[",
    "]",
    "{",
    "}",
    "null",
    "-0",
    ",",
  ],
  decode: (input) => {
    const length = ((input[1] ?? 0) << 8) | (input[0] ?? 0);
    return decode(input.subarray(2), length);
  },
};

function decode(body: Uint8Array, length: number): InferRequest {
  if (length === 0xffff) return decodeInferBody(body, undefined, model);
  return decodeInferBody(body, String(length), length === 0 ? bare : model);
}

function withBlobs(head: string, blobs: Uint8Array): Uint8Array {
  const bytes = Buffer.from(head);
  return Buffer.concat([Uint8Array.of(bytes.length & 0xff, bytes.length >> 8), bytes, blobs]);
}
