import { SelvedgeError } from "@selvedge/protocol";

// Hosts are little-endian (x64 and arm64), so typed arrays already hold the wire's byte order.

/** The body of a client update in the format "f32": little-endian float32, nothing else. */
export function encodeUpdate(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}

/**
 * Values are not checked here; `accumulate` refuses those out of range.
 *
 * @returns a view into `bytes` where alignment allows, else a copy
 * @throws SelvedgeError `corrupt` when `bytes` is not four bytes per parameter
 */
export function decodeUpdate(bytes: Uint8Array, parameters: number): Float32Array {
  if (bytes.length !== 4 * parameters) {
    throw new SelvedgeError(
      "corrupt",
      `an update of ${parameters} values has ${4 * parameters} bytes, not ${bytes.length}`,
      { at: "update: body" },
    );
  }
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, parameters);
}
