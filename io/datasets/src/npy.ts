import { limits, SelvedgeError } from "@selvedge/protocol";

/** A NumPy array, row-major. `values.length` is the product of `shape`. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** uint8 as it is; every other type as the nearest float32. */
  readonly values: Uint8Array | Float32Array;
  /** Whether the file holds whole numbers or booleans. */
  readonly isWhole: boolean;
}

/**
 * Reads NumPy's .npy format, versions 1.0 to 3.0 (numpy.lib.format): a magic
 * string, the version, the header's length, a Python dictionary literal of
 * exactly descr, fortran_order and shape, then the values. Taken are
 * little-endian integers, float32, float64 and booleans in C order.
 *
 * @param at the file, for messages
 * @throws SelvedgeError `corrupt`, `unsupported`, `too_large`, or `out_of_range` for a value that is
 *   not finite in float32; naming file and field
 */
export function parseNpy(bytes: Uint8Array, at: string): NpyArray {
  const { shape, type, offset } = parseNpyHeader(bytes, at);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const actual = bytes.length - offset;
  if (actual !== size * type.bytes) {
    throw new SelvedgeError(
      "corrupt",
      `shape [${shape.join(", ")}] needs ${size * type.bytes} bytes of values, the file has ${actual}`,
      { at: `${at}: shape`, fix: "copy the file again: it was cut short or has bytes added" },
    );
  }
  const values = type.read(...aligned(bytes, offset, type.bytes), size);
  const bad = values instanceof Float32Array ? values.findIndex((value) => !Number.isFinite(value)) : -1;
  if (bad === -1) return { shape, values, isWhole: type.isWhole };
  throw new SelvedgeError("out_of_range", `value ${bad} is not a finite float32`, {
    at: `${at}: values`,
    fix: "replace missing and infinite values before saving the array",
  });
}

export interface NpyHeader {
  readonly shape: readonly number[];
  readonly type: NpyType;
  /** Where the values begin. */
  readonly offset: number;
}

interface NpyType {
  readonly bytes: number;
  readonly isWhole: boolean;
  read(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array | Float32Array;
}

/** What a header has at most; NumPy itself refuses longer ones. */
export const npyHeaderBytesMax = 10_000;

/** The header alone, from the first `npyHeaderBytesMax` bytes of a file. @throws SelvedgeError as `parseNpy` */
export function parseNpyHeader(bytes: Uint8Array, at: string): NpyHeader {
  const { text, offset } = headerText(bytes, at);
  // numpy.lib.format writes the three keys in this order; readers may rely on no more than the set.
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const dimensions = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || dimensions === undefined) {
    throw new SelvedgeError("unsupported", "the header describes no plain array", {
      at: `${at}: header`,
      fix: "save one array of numbers, not of objects or records",
    });
  }
  if (order === "True") {
    throw new SelvedgeError("unsupported", "the array is stored in Fortran order", {
      at: `${at}: fortran_order`,
      fix: "save numpy.ascontiguousarray(array)",
    });
  }
  const type = types.get(descr);
  if (type === undefined) {
    throw new SelvedgeError("unsupported", `values of type "${descr}" are not read`, {
      at: `${at}: descr`,
      fix: `convert the array to one of: ${[...types.keys()].join(", ")}`,
    });
  }
  return { shape: shapeOf(dimensions, at), type, offset };
}

function headerText(bytes: Uint8Array, at: string): { text: string; offset: number } {
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic !== "\u0093NUMPY" || bytes.length < 12) {
    throw new SelvedgeError("corrupt", "not a .npy file: it does not begin with NumPy's magic string", {
      at: `${at}: magic string`,
    });
  }
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) {
    throw new SelvedgeError("unsupported", `format version ${version}; 1 to 3 are read`, {
      at: `${at}: version`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const start = version === 1 ? 10 : 12;
  const offset = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (offset > npyHeaderBytesMax || offset > bytes.length) {
    throw new SelvedgeError("corrupt", `the header ends at byte ${offset}, the file has ${bytes.length}`, {
      at: `${at}: header length`,
    });
  }
  return { text: Buffer.from(bytes.subarray(start, offset)).toString("latin1"), offset };
}

function shapeOf(text: string, at: string): number[] {
  const shape = text
    .split(",")
    .map((part) => part.trim().replace(/L$/, ""))
    .filter((part) => part !== "")
    .map(Number);
  if (shape.length < 1 || shape.length > limits.datasetRankMax || !shape.every(isDimension)) {
    throw new SelvedgeError(
      "corrupt",
      `shape (${text.trim()}) does not have 1 to ${limits.datasetRankMax} dimensions above 0`,
      { at: `${at}: shape` },
    );
  }
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size <= limits.datasetValuesMax) return shape;
  throw new SelvedgeError(
    "too_large",
    `shape [${shape.join(", ")}] exceeds the limit of ${limits.datasetValuesMax} values`,
    { at: `${at}: shape`, fix: "split the dataset into smaller files" },
  );
}

function isDimension(dimension: number): boolean {
  return Number.isSafeInteger(dimension) && dimension >= 1;
}

/** Where the values lie: in place, or, where typed arrays cannot point, in a copy. */
function aligned(bytes: Uint8Array, offset: number, size: number): [ArrayBufferLike, number] {
  const start = bytes.byteOffset + offset;
  return start % size === 0 ? [bytes.buffer, start] : [new Uint8Array(bytes.subarray(offset)).buffer, 0];
}

const toFloats = (values: Iterable<number>): Float32Array => Float32Array.from(values);
const bigToFloats = (values: BigInt64Array | BigUint64Array): Float32Array => {
  const floats = new Float32Array(values.length);
  for (let index = 0; index < values.length; index += 1) floats[index] = Number(values[index]);
  return floats;
};

/** By NumPy's name of the type: byte order, kind, bytes. */
const types: ReadonlyMap<string, NpyType> = new Map<string, NpyType>([
  ["|u1", { bytes: 1, isWhole: true, read: (...at) => new Uint8Array(...at) }],
  ["|b1", { bytes: 1, isWhole: true, read: (...at) => new Uint8Array(...at) }],
  ["|i1", { bytes: 1, isWhole: true, read: (...at) => toFloats(new Int8Array(...at)) }],
  ["<u2", { bytes: 2, isWhole: true, read: (...at) => toFloats(new Uint16Array(...at)) }],
  ["<i2", { bytes: 2, isWhole: true, read: (...at) => toFloats(new Int16Array(...at)) }],
  ["<u4", { bytes: 4, isWhole: true, read: (...at) => toFloats(new Uint32Array(...at)) }],
  ["<i4", { bytes: 4, isWhole: true, read: (...at) => toFloats(new Int32Array(...at)) }],
  ["<u8", { bytes: 8, isWhole: true, read: (...at) => bigToFloats(new BigUint64Array(...at)) }],
  ["<i8", { bytes: 8, isWhole: true, read: (...at) => bigToFloats(new BigInt64Array(...at)) }],
  ["<f4", { bytes: 4, isWhole: false, read: (...at) => new Float32Array(...at) }],
  ["<f8", { bytes: 8, isWhole: false, read: (...at) => toFloats(new Float64Array(...at)) }],
]);
