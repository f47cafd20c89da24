import { create } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import { type ElementType, elementTypeOf, elementTypes } from "./element-type.ts";
import { type TensorProto, TensorProtoSchema } from "./gen/onnx/onnx_pb.js";
import { sizeOf } from "./shape.ts";

// Raw data is little-endian in the file and in memory: every platform Node 24 ships for is.

export function dimensionsOf(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

/** A tensor of the given type from bytes in row-major order; the bytes are not copied. */
export function rawTensor(
  name: string,
  type: ElementType,
  shape: readonly number[],
  bytes: Uint8Array,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: elementTypes[type].code,
    dims: shape.map(BigInt),
    rawData: bytes,
  });
}

/** Values of a numeric tensor, whichever of the format's fields holds them; int64 only within 2^53. */
export function numbersOf(tensor: TensorProto): number[] {
  const type = elementTypeOf(tensor.dataType);
  const read = type === undefined ? undefined : readers[type];
  if (read === undefined) {
    throw new SelvedgeError("unsupported", `constant "${tensor.name}" is of a type that cannot be read`, {
      at: `tensor "${tensor.name}"`,
      fix: "store constants as float32, float64, int32, int64 or bool",
    });
  }
  return tensor.rawData.length > 0 ? read(aligned(tensor.rawData)) : typedNumbers(tensor);
}

/** Values of an int64 tensor, all bits of them. */
export function int64sOf(tensor: TensorProto): BigInt64Array {
  if (tensor.rawData.length > 0) return new BigInt64Array(aligned(tensor.rawData).buffer);
  return BigInt64Array.from(tensor.int64Data);
}

/** A copy of a float32 tensor's values into `target`, which has exactly its size. */
export function copyFloats(tensor: TensorProto, target: Float32Array): void {
  if (tensor.rawData.length > 0) {
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(tensor.rawData);
  } else {
    target.set(tensor.floatData);
  }
}

/** Elements stored in the tensor, by whichever field holds them; -1 if raw data is no whole number of them. */
export function storedLength(tensor: TensorProto, type: ElementType): number {
  if (tensor.rawData.length === 0) return typedNumbers(tensor).length + tensor.stringData.length;
  const length = tensor.rawData.length / elementTypes[type].bytes;
  return Number.isInteger(length) ? length : -1;
}

export function elementCount(tensor: TensorProto): number {
  return sizeOf(dimensionsOf(tensor));
}

type Reader = (bytes: Uint8Array<ArrayBuffer>) => number[];

const readers: { readonly [Type in ElementType]?: Reader } = {
  bool: (bytes) => Array.from(bytes),
  float32: (bytes) => Array.from(new Float32Array(bytes.buffer)),
  float64: (bytes) => Array.from(new Float64Array(bytes.buffer)),
  int32: (bytes) => Array.from(new Int32Array(bytes.buffer)),
  uint32: (bytes) => Array.from(new Uint32Array(bytes.buffer)),
  int64: (bytes) => Array.from(new BigInt64Array(bytes.buffer), Number),
};

function typedNumbers(tensor: TensorProto): number[] {
  if (tensor.floatData.length > 0) return tensor.floatData;
  if (tensor.doubleData.length > 0) return tensor.doubleData;
  if (tensor.int32Data.length > 0) return tensor.int32Data;
  if (tensor.int64Data.length > 0) return tensor.int64Data.map(Number);
  return tensor.uint64Data.map(Number);
}

/** Views into a file start anywhere, typed arrays do not. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
