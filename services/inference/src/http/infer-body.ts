import { SelvedgeError } from "@selvedge/protocol";
import { decodeBareBytes } from "../tensors/bare-tensor.ts";
import { decodeInferRequest, type InferRequest, type ModelSignature } from "../tensors/infer-request.ts";
import { invalid } from "../tensors/json-fields.ts";

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
  if (length === 0) return decodeBareBytes(body, model, "the request's body");
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
