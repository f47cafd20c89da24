import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Load } from "./load-generator.ts";

/** How a request is written. */
export type Encoding = "json" | "binary" | "grpc";
export type Request = Pick<Load, "protocol" | "path" | "headers" | "body">;

/** One example of float32 in the encoding; of the protocol where the server speaks it. */
export function requestFor(encoding: Encoding, shape: readonly number[]): Request {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from(
    { length: count },
    (_, index) => Math.round(1e4 * Math.abs(Math.sin(index))) / 1e4,
  );
  switch (encoding) {
    case "json":
      return json(shape, data);
    case "binary":
      return binary(shape, data);
    case "grpc":
      return grpc(shape, data);
  }
}

/** The same floats with nothing around them, for the server that speaks no binary protocol. */
export function bareRequest(shape: readonly number[]): Request {
  const { body, headers } = binary(
    shape,
    new Float32Array(shape.reduce((product, size) => product * size, 1)),
  );
  const start = Number(headers["inference-header-content-length"]);
  const data = Buffer.from(body, "base64").subarray(start);
  return {
    protocol: "http",
    path: "/raw",
    headers: { "content-type": octets },
    body: data.toString("base64"),
  };
}

function json(shape: readonly number[], data: Float32Array<ArrayBuffer>): Request {
  // As a client writes numbers of four digits, not as float32 has them.
  const numbers = Array.from(data, (value) => Number(value.toFixed(4)));
  const text = JSON.stringify({ inputs: [{ name: "input", shape, datatype: "FP32", data: numbers }] });
  return {
    protocol: "http",
    path,
    headers: { "content-type": "application/json" },
    body: base64(Buffer.from(text)),
  };
}

function binary(shape: readonly number[], data: Float32Array<ArrayBuffer>): Request {
  const parameters = { binary_data_size: data.byteLength };
  const text = JSON.stringify({
    inputs: [{ name: "input", shape, datatype: "FP32", parameters }],
    parameters: { binary_data_output: true },
  });
  const body = Buffer.concat([Buffer.from(text), bytesOf(data)]);
  const headers = { "content-type": octets, "inference-header-content-length": String(text.length) };
  return { protocol: "http", path, headers, body: base64(body) };
}

/** A `ModelInferRequest` (proto/inference/grpc_service.proto): model_name, inputs and raw_input_contents. */
function grpc(shape: readonly number[], data: Float32Array<ArrayBuffer>): Request {
  const input = new BinaryWriter().tag(1, 2).string("input").tag(2, 2).string("FP32");
  input.tag(3, 2).fork();
  for (const size of shape) input.int64(size);
  const message = new BinaryWriter().tag(1, 2).string("model").tag(5, 2).bytes(input.join().finish());
  return {
    protocol: "grpc",
    path: "/inference.GRPCInferenceService/ModelInfer",
    headers: {},
    body: base64(message.tag(7, 2).bytes(bytesOf(data)).finish()),
  };
}

function bytesOf({ buffer }: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

const path = "/v2/models/model/infer";
const octets = "application/octet-stream";
