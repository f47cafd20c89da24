/** Element types that cross our process borders, by their ONNX Runtime names. */
export type ElementType = keyof ElementData;

/** The array each element type is held in. Booleans are bytes, 0 or 1. */
export interface ElementData {
  readonly float16: Float16Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  readonly bool: Uint8Array;
  readonly string: readonly string[];
}

/** One tensor, row-major. Plain data, so that it survives structured clone. */
export type Tensor = {
  readonly [T in ElementType]: {
    readonly type: T;
    readonly dims: readonly number[];
    readonly data: ElementData[T];
  };
}[ElementType];

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a graph declares of one input or output. A dimension that is not fixed is its symbol, or "". */
export interface TensorDeclaration {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

export const elementTypes: readonly ElementType[] = [
  "float16",
  "float32",
  "float64",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
];
