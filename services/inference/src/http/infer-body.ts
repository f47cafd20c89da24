import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor } from "@selvedge/runtime";
import { datatypeOf } from "../tensors/datatype.ts";
import { openShape } from "../tensors/decode-tensor.ts";
import { decodeInferRequest, type InferRequest, type ModelSignature } from "../tensors/infer-request.ts";
import { invalid } from "../tensors/json-fields.ts";
import { decodeTensorBytes, elementSize } from "../tensors/tensor-bytes.ts";

/** The header that says where the JSON of a body ends and its binary data begins. */
export const headerLengthName = "inference-header-content-length";

/**
 * Reads the body of `POST …/infer`: JSON, JSON and binary data, or, with a header
 * length of 0, the bare data of a model's one input.
 *
 * @param headerLength the value of `Inference-Header-Content-Length`, when the request has it
 * @throws SelvedgeError `invalid_argument` that names what is wrong
 */
export function decodeInferBody(
  body: Uint8Array,
  headerLength: string | undefined,
  model: ModelSignature,
): InferRequest {
  if (headerLength === undefined) {
    const fix = "of binary data say in Inference-Header-Content-Length where it begins";
    return decodeInferRequest(parseJson(body, fix), model);
  }
  const length = Number(headerLength);
  if (!/^\d{1,15}$/.test(headerLength) || length > body.length) {
    throw invalid("Inference-Header-Content-Length", `must be at most the body's ${body.length} bytes`);
  }
  if (length === 0) return decodeBareTensor(body, model);
  return decodeInferRequest(parseJson(body.subarray(0, length)), model, body.subarray(length));
}

/** @throws SelvedgeError `invalid_argument` when it is not JSON in UTF-8 */
export function parseJson(bytes: Uint8Array, fix = "send one JSON object"): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    const { message } = SelvedgeError.from(thrown);
    throw new SelvedgeError("invalid_argument", `the request's body is not JSON: ${message}`, { fix });
  }
}

/** Triton's raw binary request: the shape follows from the size, all outputs are answered as binary data. */
function decodeBareTensor(body: Uint8Array, model: ModelSignature): InferRequest {
  const [input, ...others] = model.inputs;
  const size = input === undefined ? undefined : elementSize(datatypeOf(input.type));
  const open = input?.dims.filter((each) => typeof each === "string").length ?? 0;
  if (input === undefined || size === undefined || others.length > 0 || open > 1) {
    throw invalid(
      "a body without JSON",
      "goes to models with one input of fixed-size elements and at most one open dimension",
      "send JSON first, and its length as Inference-Header-Content-Length",
    );
  }
  const rowSize =
    size * input.dims.reduce<number>((all, each) => all * (typeof each === "number" ? each : 1), 1);
  const rows = body.length / rowSize;
  if (!Number.isSafeInteger(rows) || rows < 1 || (open === 0 && rows !== 1)) {
    throw invalid(
      "the request's body",
      `has ${body.length} bytes, ${JSON.stringify(openShape(input.dims))} needs ${open > 0 ? "a multiple of " : ""}${rowSize}`,
    );
  }
  const dims = input.dims.map((each) => (typeof each === "number" ? each : rows));
  const count = (rowSize / size) * rows;
  const data = decodeTensorBytes(datatypeOf(input.type), body, count, "the request's body");
  const fetches = model.outputs.map(({ name }) => name);
  return {
    id: undefined,
    feeds: { [input.name]: { type: input.type, dims, data } as Tensor },
    fetches,
    binary: new Set(fetches),
    timeoutUs: undefined,
  };
}
