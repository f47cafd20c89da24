import type { ElementType, Tensor } from "@selvedge/runtime";

/** Tensor datatypes of the Open Inference Protocol that the runtime has: all but BF16. */
export type Datatype =
  | "BOOL"
  | "UINT8"
  | "UINT16"
  | "UINT32"
  | "UINT64"
  | "INT8"
  | "INT16"
  | "INT32"
  | "INT64"
  | "FP16"
  | "FP32"
  | "FP64"
  | "BYTES";

interface DatatypeFacts {
  readonly type: ElementType;
  readonly allocate: (length: number) => Tensor["data"];
  /** The JSON value as an element, or undefined when it is not one. */
  readonly read: (value: unknown) => number | bigint | string | undefined;
  /** What `read` accepts, for messages. */
  readonly accepts: string;
  /** Its tensors travel as binary data only: the protocol has no JSON form of them. */
  readonly binaryOnly?: true;
}

export const datatypes: Readonly<Record<Datatype, DatatypeFacts>> = {
  BOOL: {
    type: "bool",
    allocate: (length) => new Uint8Array(length),
    read: (value) => (typeof value === "boolean" ? Number(value) : undefined),
    accepts: "true or false",
  },
  UINT8: integers("uint8", (length) => new Uint8Array(length), 0, 255),
  UINT16: integers("uint16", (length) => new Uint16Array(length), 0, 65_535),
  UINT32: integers("uint32", (length) => new Uint32Array(length), 0, 4_294_967_295),
  UINT64: wideIntegers("uint64", (length) => new BigUint64Array(length), 0),
  INT8: integers("int8", (length) => new Int8Array(length), -128, 127),
  INT16: integers("int16", (length) => new Int16Array(length), -32_768, 32_767),
  INT32: integers("int32", (length) => new Int32Array(length), -2_147_483_648, 2_147_483_647),
  INT64: wideIntegers("int64", (length) => new BigInt64Array(length), Number.MIN_SAFE_INTEGER),
  FP16: {
    type: "float16",
    allocate: (length) => new Float16Array(length),
    read: () => undefined,
    accepts: "binary data only",
    binaryOnly: true,
  },
  FP32: floats("float32", (length) => new Float32Array(length), Math.fround),
  FP64: floats(
    "float64",
    (length) => new Float64Array(length),
    (value) => value,
  ),
  BYTES: {
    type: "string",
    allocate: (length) => new Array<string>(length).fill(""),
    read: (value) => (typeof value === "string" ? value : undefined),
    accepts: "a string",
  },
};

/** The protocol's name of an element type. */
export function datatypeOf(type: ElementType): Datatype {
  return byElementType[type];
}

const byElementType = Object.fromEntries(
  Object.entries(datatypes).map(([datatype, { type }]) => [type, datatype]),
) as Record<ElementType, Datatype>;

function integers(
  type: ElementType,
  allocate: DatatypeFacts["allocate"],
  min: number,
  max: number,
): DatatypeFacts {
  const read = (value: unknown): number | undefined =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : undefined;
  return { type, allocate, read, accepts: `a whole number from ${min} to ${max}` };
}

/** Past 2^53 the JSON parser has already rounded, so those are refused rather than changed. */
function wideIntegers(type: ElementType, allocate: DatatypeFacts["allocate"], min: number): DatatypeFacts {
  const read = (value: unknown): bigint | undefined =>
    Number.isSafeInteger(value) && (value as number) >= min ? BigInt(value as number) : undefined;
  return { type, allocate, read, accepts: `a whole number from ${min} to ${Number.MAX_SAFE_INTEGER}` };
}

function floats(
  type: ElementType,
  allocate: DatatypeFacts["allocate"],
  round: (value: number) => number,
): DatatypeFacts {
  const read = (value: unknown): number | undefined =>
    typeof value === "number" && Number.isFinite(round(value)) ? value : undefined;
  return { type, allocate, read, accepts: `a number in the range of ${type}` };
}
