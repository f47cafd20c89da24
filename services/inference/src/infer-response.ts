import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor, Tensors } from "@selvedge/runtime";
import { datatypeOf } from "./datatype.ts";
import type { InferRequest } from "./infer-request.ts";

/**
 * The JSON body that answers an inference request (Open Inference Protocol v2,
 * "Inference Response JSON Object"). Data is flat, row-major. Integers keep all
 * their digits; a value JSON cannot write (NaN, infinity) is null.
 */
export function encodeInferResponse(
  model: { readonly name: string; readonly version: string },
  request: InferRequest,
  results: Tensors,
): string {
  const head = JSON.stringify({
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
  });
  const outputs = request.fetches.map((name) => {
    const result = results[name];
    if (result === undefined) throw new SelvedgeError("internal", `the run gave no output "${name}"`);
    return encodeOutput(name, result);
  });
  return `${head.slice(0, -1)},"outputs":[${outputs.join(",")}]}`;
}

function encodeOutput(name: string, tensor: Tensor): string {
  const head = JSON.stringify({ name, datatype: datatypeOf(tensor.type), shape: tensor.dims });
  return `${head.slice(0, -1)},"data":${encodeData(tensor)}}`;
}

function encodeData(tensor: Tensor): string {
  switch (tensor.type) {
    case "bool":
      return JSON.stringify(Array.from(tensor.data, (element) => element !== 0));
    // JSON.stringify refuses BigInt; its digits are JSON already.
    case "int64":
    case "uint64":
      return `[${tensor.data.join(",")}]`;
    default:
      return JSON.stringify(Array.from(tensor.data));
  }
}
