import type { FuzzTarget } from "@selvedge/testkit";
import { decodeInferRequest, type ModelSignature } from "./infer-request.ts";
import { parseJson } from "./read-body.ts";

const model: ModelSignature = {
  inputs: [
    { name: "x", type: "float32", dims: ["batch", 2] },
    { name: "on", type: "bool", dims: [] },
  ],
  outputs: [{ name: "y", type: "float32", dims: ["batch"] }],
};

const request = {
  id: "42",
  inputs: [
    { name: "x", shape: [2, 2], datatype: "FP32", data: [1, 2, 3, 4] },
    { name: "on", shape: [], datatype: "BOOL", data: [true] },
  ],
  outputs: [{ name: "y" }],
};

export const target: FuzzTarget = {
  name: "infer-request",
  examples: () => [Buffer.from(JSON.stringify(request))],
  words: [
    '"shape":[',
    '"data":[[',
    '"datatype":"INT64"',
    '"__proto__":',
    "[",
    "]",
    "{",
    "}",
    "null",
    "-0",
    ",",
  ],
  decode: (input) => decodeInferRequest(parseJson(input), model),
};
