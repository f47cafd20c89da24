/**
 * Element types of tensors, under the names ONNX Runtime's JavaScript API uses,
 * with their codes in the file format (onnx.proto3, TensorProto.DataType).
 */
export type ElementType =
  | "float32"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "int32"
  | "int64"
  | "string"
  | "bool"
  | "float16"
  | "float64"
  | "uint32"
  | "uint64"
  | "bfloat16";

interface ElementTypeFacts {
  /** TensorProto.DataType. */
  readonly code: number;
  /** Bytes of one element in `raw_data`; 0 for strings, which never lie there. */
  readonly bytes: number;
}

export const elementTypes: { readonly [Type in ElementType]: ElementTypeFacts } = {
  float32: { code: 1, bytes: 4 },
  uint8: { code: 2, bytes: 1 },
  int8: { code: 3, bytes: 1 },
  uint16: { code: 4, bytes: 2 },
  int16: { code: 5, bytes: 2 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  string: { code: 8, bytes: 0 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
  float64: { code: 11, bytes: 8 },
  uint32: { code: 12, bytes: 4 },
  uint64: { code: 13, bytes: 8 },
  bfloat16: { code: 16, bytes: 2 },
};

/** The element type of a code, or undefined for one we do not know (complex and sub-byte types). */
export function elementTypeOf(code: number): ElementType | undefined {
  return byCode.get(code);
}

const byCode: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(elementTypes).map(([type, facts]) => [facts.code, type as ElementType]),
);
