import { limits, SelvedgeError } from "@selvedge/protocol";

/**
 * An array of 8-bit unsigned numbers, row-major. `values.length` is the
 * product of `shape`; the first dimension counts examples and may be 0.
 */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/**
 * Reads the IDX format of Yann LeCun's MNIST page: two zero bytes, a type
 * code, the number of dimensions, each dimension as a big-endian 32-bit
 * integer, then the values. Only type 0x08 (8-bit unsigned) is taken.
 *
 * @param at the file, for messages
 * @returns a view into `bytes`, not a copy
 * @throws SelvedgeError `corrupt`, `unsupported` or `too_large`, naming file and field
 */
export function parseIdx(bytes: Uint8Array, at: string): IdxArray {
  const shape = parseIdxShape(bytes, at);
  const headerBytes = magicBytes + 4 * shape.length;
  const expected = shape.reduce((product, dimension) => product * dimension, 1);
  const actual = bytes.length - headerBytes;
  if (actual !== expected) {
    throw new SelvedgeError(
      "corrupt",
      `dimensions [${shape.join(", ")}] need ${expected} values, the file has ${actual}`,
      { at: `${at}: dimensions`, fix: "copy the file again: it was cut short or has bytes added" },
    );
  }
  return { shape, values: bytes.subarray(headerBytes) };
}

/**
 * The dimensions alone, from the first `idxHeaderBytesMax` bytes of a file.
 *
 * @throws SelvedgeError as `parseIdx`
 */
export function parseIdxShape(bytes: Uint8Array, at: string): number[] {
  const rank = parseMagic(bytes, at);
  const headerBytes = magicBytes + 4 * rank;
  if (bytes.length < headerBytes) {
    throw new SelvedgeError(
      "corrupt",
      `the header ends early: ${rank} dimensions need ${headerBytes} bytes, the file has ${bytes.length}`,
      { at: `${at}: dimensions` },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(magicBytes + 4 * axis));
  checkShape(shape, at);
  return shape;
}

/** @throws SelvedgeError `invalid_argument` when shape and values disagree. */
export function encodeIdx(array: IdxArray): Uint8Array {
  const { shape, values } = array;
  const described = shape.reduce((product, dimension) => product * dimension, 1) === values.length;
  if (!described || shape.length < 1 || shape.length > limits.datasetRankMax || !shape.every(isDimension)) {
    throw new SelvedgeError(
      "invalid_argument",
      `shape [${shape.join(", ")}] does not describe ${values.length} values`,
      { at: "encodeIdx" },
    );
  }
  const bytes = new Uint8Array(magicBytes + 4 * shape.length + values.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(2, unsignedByteType);
  view.setUint8(3, shape.length);
  shape.forEach((dimension, axis) => {
    view.setUint32(magicBytes + 4 * axis, dimension);
  });
  bytes.set(values, magicBytes + 4 * shape.length);
  return bytes;
}

/** @returns the number of dimensions */
function parseMagic(bytes: Uint8Array, at: string): number {
  const [first, second, type, rank] = bytes;
  if (first === 0x1f && second === 0x8b) {
    throw new SelvedgeError("unsupported", "the file is compressed with gzip", {
      at: `${at}: magic number`,
      fix: "decompress it with gunzip",
    });
  }
  if (type === undefined || rank === undefined || first !== 0 || second !== 0) {
    throw new SelvedgeError("corrupt", "not an IDX file: it does not begin with two zero bytes and a type", {
      at: `${at}: magic number`,
    });
  }
  if (type !== unsignedByteType) {
    const hexadecimal = type.toString(16).padStart(2, "0");
    throw new SelvedgeError("unsupported", `type code 0x${hexadecimal}; only 0x08 (8-bit unsigned) is read`, {
      at: `${at}: type`,
    });
  }
  if (rank < 1 || rank > limits.datasetRankMax) {
    throw new SelvedgeError("corrupt", `${rank} dimensions, not 1 to ${limits.datasetRankMax}`, {
      at: `${at}: number of dimensions`,
    });
  }
  return rank;
}

function isDimension(dimension: number, axis: number): boolean {
  return Number.isInteger(dimension) && dimension >= (axis === 0 ? 0 : 1) && dimension <= 0xffff_ffff;
}

function checkShape(shape: readonly number[], at: string): void {
  const empty = shape.findIndex((dimension, axis) => !isDimension(dimension, axis));
  if (empty !== -1) {
    throw new SelvedgeError("corrupt", `dimension ${empty} is ${shape[empty]}`, { at: `${at}: dimensions` });
  }
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  // Float64 products may round, but never from above the limit to below it.
  if (size > limits.datasetFileBytesMax) {
    throw new SelvedgeError(
      "too_large",
      `dimensions [${shape.join(", ")}] exceed the limit of ${limits.datasetFileBytesMax} values`,
      { at: `${at}: dimensions`, fix: "split the dataset into smaller files" },
    );
  }
}

const magicBytes = 4;
/** What an IDX header has at most: the magic number and each dimension. */
export const idxHeaderBytesMax: number = magicBytes + 4 * limits.datasetRankMax;
const unsignedByteType = 0x08;
