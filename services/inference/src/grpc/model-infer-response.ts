import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Tensor } from "@selvedge/runtime";
import type {
  InferTensorContentsSchema,
  ModelInferResponseSchema,
} from "../gen/inference/grpc_service_pb.js";
import { resultOf } from "../http/infer-response.ts";
import type { InferAnswer } from "../inference-service.ts";
import { datatypeOf } from "../tensors/datatype.ts";
import { encodeTensorBytes } from "../tensors/tensor-bytes.ts";

/** The message that answers an inference request; its parameter `model_digest` names the model to the byte. */
export function encodeModelInferResponse({
  model,
  request,
  results,
}: InferAnswer): MessageInitShape<typeof ModelInferResponseSchema> {
  const outputs = request.fetches.map((name) => ({ name, tensor: resultOf(results, name) }));
  const raw = request.binary.size > 0;
  return {
    modelName: model.name,
    modelVersion: model.version,
    id: request.id ?? "",
    parameters: { model_digest: { parameterChoice: { case: "stringParam", value: model.digest } } },
    outputs: outputs.map(({ name, tensor }) => ({
      name,
      datatype: datatypeOf(tensor.type),
      shape: tensor.dims.map(BigInt),
      ...(raw ? {} : { contents: contentsOf(tensor) }),
    })),
    rawOutputContents: raw ? outputs.map(({ tensor }) => encodeTensorBytes(tensor)) : [],
  };
}

function contentsOf(tensor: Tensor): MessageInitShape<typeof InferTensorContentsSchema> {
  switch (tensor.type) {
    case "bool":
      return { boolContents: Array.from(tensor.data, (element) => element !== 0) };
    case "int8":
    case "int16":
    case "int32":
      return { intContents: [...tensor.data] };
    case "int64":
      return { int64Contents: [...tensor.data] };
    case "uint8":
    case "uint16":
    case "uint32":
      return { uintContents: [...tensor.data] };
    case "uint64":
      return { uint64Contents: [...tensor.data] };
    // A request for half floats is answered raw.
    case "float16":
      return {};
    case "float32":
      return { fp32Contents: [...tensor.data] };
    case "float64":
      return { fp64Contents: [...tensor.data] };
    case "string":
      return { bytesContents: tensor.data.map((text) => Buffer.from(text)) };
  }
}
