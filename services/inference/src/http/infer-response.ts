import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor, Tensors } from "@selvedge/runtime";
import { datatypeOf } from "../tensors/datatype.ts";
import type { InferRequest } from "../tensors/infer-request.ts";
import { encodeTensorBytes } from "../tensors/tensor-bytes.ts";

/** The answer to an inference request: JSON, and the binary data that follows it. */
export interface InferResponse {
  readonly json: string;
  readonly blobs: readonly Uint8Array[];
}

/**
 * The body that answers an inference request (Open Inference Protocol v2,
 * "Inference Response JSON Object", and the binary tensor data extension). JSON
 * data is flat, row-major. Integers keep all their digits; a value JSON cannot
 * write (NaN, infinity) is null.
 */
export function encodeInferResponse(
  model: { readonly name: string; readonly version: string },
  request: InferRequest,
  results: Tensors,
  parameters?: Readonly<Record<string, string>>,
): InferResponse {
  const head = JSON.stringify({
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    ...(parameters === undefined ? {} : { parameters }),
  });
  const blobs: Uint8Array[] = [];
  const outputs = request.fetches.map((name) => {
    const result = resultOf(results, name);
    if (!request.binary.has(name)) return describe(name, result, `"data":${encodeData(result)}`);
    const blob = encodeTensorBytes(result);
    blobs.push(blob);
    return describe(name, result, `"parameters":{"binary_data_size":${blob.length}}`);
  });
  return { json: `${head.slice(0, -1)},"outputs":[${outputs.join(",")}]}`, blobs };
}

/** @throws SelvedgeError `internal` when the run did not give it */
export function resultOf(results: Tensors, name: string): Tensor {
  const result = results[name];
  if (result === undefined) throw new SelvedgeError("internal", `the run gave no output "${name}"`);
  return result;
}

function describe(name: string, tensor: Tensor, data: string): string {
  const head = JSON.stringify({ name, datatype: datatypeOf(tensor.type), shape: tensor.dims });
  return `${head.slice(0, -1)},${data}}`;
}

function encodeData(tensor: Tensor): string {
  switch (tensor.type) {
    case "bool":
      return JSON.stringify(Array.from(tensor.data, (element) => element !== 0));
    // JSON.stringify refuses BigInt; its digits are JSON already.
    case "int64":
    case "uint64":
      return `[${tensor.data.join(",")}]`;
    case "string":
      return JSON.stringify(tensor.data);
    default:
      return JSON.stringify(Array.from(tensor.data));
  }
}
