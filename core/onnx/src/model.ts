import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { type ModelProto, ModelProtoSchema } from "./gen/onnx/onnx_pb.js";
import { validateModel } from "./validate-model.ts";

/** An ONNX model, as its file has it. Nothing changes one in place: functions return new models. */
export type OnnxModel = Readonly<ModelProto>;

export interface ParseOptions {
  /** Largest file accepted, bytes. */
  readonly bytesMax?: number;
}

/**
 * Reads an ONNX file and checks it before anything else sees it. Tensors stay
 * views into `bytes`.
 *
 * @throws SelvedgeError `too_large` over a limit, `corrupt` for what is not a whole ONNX
 *   model, `untrusted` for data outside the file, `unsupported` for custom operators,
 *   functions, training information and sparse tensors
 */
export function parseModel(bytes: Uint8Array, options: ParseOptions = {}): OnnxModel {
  const bytesMax = options.bytesMax ?? limits.modelBytesMax;
  if (bytes.length > bytesMax) {
    throw new SelvedgeError("too_large", `the model has ${bytes.length} bytes, more than ${bytesMax}`, {
      fix: "use a smaller model, or raise the limit on this machine",
    });
  }
  const model = decode(bytes);
  validateModel(model);
  return model;
}

/** The file's bytes; fields that we do not know are kept. */
export function serializeModel(model: OnnxModel): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw notOnnx(cause);
  }
}

export function notOnnx(cause: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", "not an ONNX file, or a part of one", {
    fix: "export the model again, and compare its size and digest with the original",
    cause,
  });
}
