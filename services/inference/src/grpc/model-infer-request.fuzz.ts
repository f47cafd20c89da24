import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import type { FuzzTarget } from "@selvedge/testkit";
import { type ModelInferRequest, ModelInferRequestSchema } from "../gen/inference/grpc_service_pb.js";
import type { ModelSignature } from "../tensors/infer-request.ts";
import { decodeModelInferRequest } from "./model-infer-request.ts";

const model: ModelSignature = {
  inputs: [
    { name: "x", type: "float32", dims: ["batch", 2] },
    { name: "small", type: "int8", dims: [] },
    { name: "text", type: "string", dims: ["batch"] },
  ],
  outputs: [
    { name: "y", type: "float32", dims: ["batch"] },
    { name: "half", type: "float16", dims: ["batch"] },
  ],
};
const x = { name: "x", datatype: "FP32", shape: [1n, 2n] };
const small = { name: "small", datatype: "INT8", shape: [] };
const text = { name: "text", datatype: "BYTES", shape: [1n] };

const typed: MessageInitShape<typeof ModelInferRequestSchema> = {
  modelName: "digits",
  id: "42",
  parameters: { timeout: { parameterChoice: { case: "int64Param", value: 1_000n } } },
  inputs: [
    { ...x, contents: { fp32Contents: [1, 2] } },
    { ...small, contents: { intContents: [-128] } },
    { ...text, contents: { bytesContents: [Buffer.from("é")] } },
  ],
  outputs: [{ name: "y" }],
};
const raw: MessageInitShape<typeof ModelInferRequestSchema> = {
  modelName: "digits",
  inputs: [x, small, text],
  rawInputContents: [new Uint8Array(8), Uint8Array.of(255), Uint8Array.of(2, 0, 0, 0, 104, 105)],
};

export const target: FuzzTarget = {
  name: "model-infer-request",
  examples: () =>
    [typed, raw].map((each) => toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, each))),
  words: ["FP16", "INT64", "half", "__proto__"],
  decode: (input) => decodeModelInferRequest(parse(input), model),
};

/** As `rpcMethods` does before it calls a method. */
function parse(input: Uint8Array): ModelInferRequest {
  try {
    return fromBinary(ModelInferRequestSchema, input);
  } catch (thrown) {
    throw SelvedgeError.from(thrown, "invalid_argument");
  }
}
