import type { Tensor } from "@selvedge/runtime";
import { type Datatype, datatypes } from "./datatype.ts";
import { invalid } from "./json-fields.ts";

/**
 * The elements of a tensor from its binary data (binary tensor data extension,
 * gRPC's `raw_input_contents`): little-endian, row-major, BOOL a byte of 0 or 1,
 * BYTES a 4-byte length and so many bytes for each element. Where the place in
 * memory allows it, the result is a view of `bytes`.
 *
 * @param count elements that the tensor's shape needs
 * @throws SelvedgeError `invalid_argument` when they are not exactly `count` elements, or an element of BYTES
 *   is no UTF-8: ONNX's strings are
 */
export function decodeTensorBytes(
  datatype: Datatype,
  bytes: Uint8Array,
  count: number,
  at: string,
): Tensor["data"] {
  if (datatype === "BYTES") return decodeStrings(bytes, count, at);
  const Elements = arrays[datatype];
  const size = Elements.BYTES_PER_ELEMENT;
  if (bytes.length !== count * size) {
    throw invalid(at, `has ${bytes.length} bytes, ${count} elements of ${datatype} are ${count * size}`);
  }
  if (datatype === "BOOL") checkBooleans(bytes, at);
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new Elements(aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
}

/** A tensor's binary data, as `decodeTensorBytes` reads it; a view of the tensor's own memory where there is one. */
export function encodeTensorBytes({ type, data }: Tensor): Uint8Array {
  if (type !== "string") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const elements = data.map((text) => Buffer.from(text));
  const length = Buffer.alloc(lengthBytes * elements.length);
  return Buffer.concat(
    elements.flatMap((element, index) => {
      const at = index * lengthBytes;
      length.writeUInt32LE(element.length, at);
      return [length.subarray(at, at + lengthBytes), element];
    }),
  );
}

/** How many bytes an element has; undefined for BYTES, whose elements differ. */
export function elementSize(datatype: Datatype): number | undefined {
  return datatype === "BYTES" ? undefined : arrays[datatype].BYTES_PER_ELEMENT;
}

function decodeStrings(bytes: Uint8Array, count: number, at: string): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: string[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + lengthBytes > bytes.length)
      throw invalid(at, `ends within the length of element ${texts.length}`);
    const start = offset + lengthBytes;
    const end = start + view.getUint32(offset, true);
    if (end > bytes.length) throw invalid(at, `ends within element ${texts.length}`);
    if (texts.length === count) throw invalid(at, `has more than ${count} elements`);
    texts.push(decodeText(bytes.subarray(start, end), texts.length, at));
    offset = end;
  }
  if (texts.length < count) throw invalid(at, `has ${texts.length} elements, its shape needs ${count}`);
  return texts;
}

/** @throws SelvedgeError `invalid_argument` when it is no UTF-8 */
export function decodeText(bytes: Uint8Array, index: number, at: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid(at, `has no UTF-8 in element ${index}`, "encode bytes as text, such as base64");
  }
}

function checkBooleans(bytes: Uint8Array, at: string): void {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong >= 0) throw invalid(at, `has ${bytes[wrong]} at element ${wrong}, BOOL is a byte of 0 or 1`);
}

type Elements = { readonly BYTES_PER_ELEMENT: number } & (new (
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
) => Exclude<Tensor["data"], readonly string[]>);

const arrays = Object.fromEntries(
  Object.entries(datatypes)
    .filter(([datatype]) => datatype !== "BYTES")
    .map(([datatype, { allocate }]) => [datatype, allocate(0).constructor]),
) as unknown as Readonly<Record<Exclude<Datatype, "BYTES">, Elements>>;

const lengthBytes = 4;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
