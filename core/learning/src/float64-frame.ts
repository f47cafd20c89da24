import { SelvedgeError } from "@selvedge/protocol";
import type { JsonObject } from "./json-object.ts";

/** Kind of content and largest header of one frame format. */
export interface FrameFormat {
  /** Four ASCII characters at the start of every frame. */
  readonly magic: string;
  readonly version: number;
  readonly headerBytesMax: number;
  /** What messages call it. */
  readonly name: string;
}

/**
 * A JSON header and float64 vectors as bytes; equal content gives equal bytes.
 * Layout: magic (4), version (uint32), header length (uint32), padding (4);
 * header as JSON, padded with spaces to a multiple of 8; vectors back to back.
 * All numbers little-endian, like the hosts we run on (x64 and arm64).
 */
export function encodeFrame(
  format: FrameFormat,
  header: JsonObject,
  vectors: readonly Float64Array[],
): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (json.length > format.headerBytesMax) {
    throw new SelvedgeError(
      "too_large",
      `a header of ${json.length} bytes, at most ${format.headerBytesMax}`,
      {
        at: format.name,
      },
    );
  }
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const valuesBytes = vectors.reduce((sum, vector) => sum + vector.byteLength, 0);
  const bytes = new Uint8Array(preambleBytes + headerBytes + valuesBytes);
  bytes.set(new TextEncoder().encode(format.magic));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, format.version, true);
  view.setUint32(8, headerBytes, true);
  bytes.fill(space, preambleBytes, preambleBytes + headerBytes);
  bytes.set(json, preambleBytes);
  let offset = preambleBytes + headerBytes;
  for (const vector of vectors) {
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), offset);
    offset += vector.byteLength;
  }
  return bytes;
}

/** A frame taken apart; `values` holds all vectors back to back, in a buffer of its own. */
export interface Frame {
  /** The header's fields, unchecked. */
  readonly header: ReadonlyMap<string, unknown>;
  readonly values: Float64Array;
}

/** @throws SelvedgeError `corrupt`, `unsupported` (another version) or `too_large` */
export function decodeFrame(format: FrameFormat, bytes: Uint8Array): Frame {
  const corrupt = (message: string, cause?: unknown) =>
    new SelvedgeError("corrupt", message, { at: format.name, cause });
  if (bytes.length < preambleBytes) throw corrupt(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== format.magic || view.getUint32(12, true) !== 0) throw corrupt("the magic number is wrong");
  const version = view.getUint32(4, true);
  if (version !== format.version) {
    throw new SelvedgeError("unsupported", `version ${version}; this program reads ${format.version}`, {
      at: format.name,
    });
  }
  const headerBytes = view.getUint32(8, true);
  if (headerBytes > format.headerBytesMax) {
    throw new SelvedgeError(
      "too_large",
      `a header of ${headerBytes} bytes, at most ${format.headerBytesMax}`,
      {
        at: format.name,
      },
    );
  }
  const valuesBytes = bytes.length - preambleBytes - headerBytes;
  if (headerBytes % 8 !== 0 || valuesBytes < 0 || valuesBytes % 8 !== 0) {
    throw corrupt(`a header of ${headerBytes} bytes does not fit a frame of ${bytes.length}`);
  }
  const json = bytes.subarray(preambleBytes, preambleBytes + headerBytes);
  const values = bytes.slice(preambleBytes + headerBytes);
  return {
    header: parseHeader(json, corrupt),
    values: new Float64Array(values.buffer, values.byteOffset, valuesBytes / 8),
  };
}

/** For header fields that count something. */
export function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parseHeader(
  json: Uint8Array,
  corrupt: (message: string, cause?: unknown) => SelvedgeError,
): ReadonlyMap<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
    return new Map(typeof header === "object" && header !== null ? Object.entries(header) : []);
  } catch (cause) {
    throw corrupt("the header is not JSON", cause);
  }
}

const preambleBytes = 16;
const space = 0x20;
