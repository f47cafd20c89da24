import { limits, SelvedgeError } from "@selvedge/protocol";
import { checkLength, describeSlot, type ParameterLayout, type ParameterSlot, slotOf } from "./parameters.ts";
import { describeShape } from "./shape.ts";

// The safetensors format: a little-endian uint64, so many bytes of JSON that name
// each tensor's dtype, shape and byte range, then the tensors without gaps.

/** Parameters as a safetensors file, tensors in the order of the layout, data aligned to 8 bytes. */
export function encodeSafetensors(layout: ParameterLayout, flat: Float32Array): Uint8Array<ArrayBuffer> {
  checkLength(layout, flat);
  const entries = layout.slots.map(({ name, shape, offset, length }) => [
    name,
    { dtype: "F32", shape, data_offsets: [offset * floatBytes, (offset + length) * floatBytes] },
  ]);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerLength = Math.ceil(json.length / prefixBytes) * prefixBytes;
  const file = new Uint8Array(prefixBytes + headerLength + flat.byteLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(space, prefixBytes, prefixBytes + headerLength);
  file.set(json, prefixBytes);
  file.set(new Uint8Array(flat.buffer, flat.byteOffset, flat.byteLength), prefixBytes + headerLength);
  return file;
}

/**
 * The parameters of a safetensors file, which must hold exactly the tensors of
 * the layout. A view into `bytes` where order and alignment allow, else a copy.
 *
 * @throws SelvedgeError `corrupt` for what is no whole safetensors file, `too_large` for a header
 *   over the limit, `failed_precondition`, with both shapes, for tensors of another model
 */
export function decodeSafetensors(bytes: Uint8Array, layout: ParameterLayout): Float32Array {
  const { dataStart, begins } = mapSafetensors(bytes, bytes.length, layout);
  const inOrder = layout.slots.every((slot, index) => begins[index] === slot.offset * floatBytes);
  const start = bytes.byteOffset + dataStart;
  if (inOrder && start % floatBytes === 0) return new Float32Array(bytes.buffer, start, layout.length);
  return gather(bytes.subarray(dataStart), begins, layout);
}

/** Where the tensors of a safetensors file lie. */
export interface SafetensorsMap {
  /** Bytes from the start of the file to the first tensor. */
  readonly dataStart: number;
  /** Of each slot of the layout, bytes from there to the tensor. */
  readonly begins: readonly number[];
}

/**
 * As `decodeSafetensors` of a file that is not read.
 *
 * @param head the file's first bytes, at least `safetensorsHeadBytes` of them
 * @param fileLength bytes of the whole file
 * @throws SelvedgeError as `decodeSafetensors`
 */
export function mapSafetensors(
  head: Uint8Array,
  fileLength: number,
  layout: ParameterLayout,
): SafetensorsMap {
  const dataStart = safetensorsHeadBytes(head, fileLength);
  const entries = parseHeader(head.subarray(prefixBytes, dataStart));
  for (const name of entries.keys()) {
    if (!layout.slots.some((slot) => slot.name === name)) {
      throw otherModel(`the file has a tensor "${name.slice(0, 100)}" and the model has none`);
    }
  }
  const ordered = layout.slots.map((slot) => checkEntry(slot, entries.get(slot.name)));
  checkRanges(ordered, fileLength - dataStart);
  return { dataStart, begins: ordered.map(({ begin }) => begin) };
}

/**
 * How many bytes of a safetensors file come before its tensors.
 *
 * @param head the file's first 8 bytes, or more
 * @throws SelvedgeError `corrupt`, or `too_large` for a header over the limit
 */
export function safetensorsHeadBytes(head: Uint8Array, fileLength: number): number {
  if (head.length < prefixBytes) throw corrupt("the file is shorter than its length field");
  const view = new DataView(head.buffer, head.byteOffset, prefixBytes);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(limits.safetensorsHeaderBytesMax)) {
    throw new SelvedgeError(
      "too_large",
      `the header claims ${length} bytes, more than ${limits.safetensorsHeaderBytesMax}`,
      { fix: "check that this is a safetensors file" },
    );
  }
  if (length > BigInt(fileLength - prefixBytes)) throw corrupt("the header is cut short");
  return prefixBytes + Number(length);
}

/** One tensor of a header; offsets in bytes from the start of the data. */
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array): Map<string, Entry> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt("the header is not JSON", cause);
  }
  if (!isRecord(header)) throw corrupt("the header is not an object");
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return new Map(tensors.map(([name, value]) => [name, parseEntry(name, value)]));
}

function parseEntry(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw corrupt(`the header's entry for "${name.slice(0, 100)}" is malformed`);
  }
  const [begin = 0, end = 0] = offsets;
  return { dtype, shape, begin, end };
}

function checkEntry(slot: ParameterSlot, entry: Entry | undefined): Entry {
  if (entry === undefined) throw otherModel(`the file lacks ${describeSlot(slot)}`);
  const sameShape =
    entry.shape.length === slot.shape.length && entry.shape.every((size, axis) => size === slot.shape[axis]);
  if (!sameShape) {
    throw otherModel(
      `the model has ${describeSlot(slot)} and the file has it as ${describeShape(entry.shape)}`,
    );
  }
  if (entry.dtype !== "F32") throw otherModel(`${describeSlot(slot)} is stored as ${entry.dtype}, not F32`);
  if (entry.end - entry.begin !== slot.length * floatBytes) {
    throw corrupt(`${describeSlot(slot)} takes bytes ${entry.begin} to ${entry.end}`);
  }
  return entry;
}

/** The tensors must follow one another, in any order, and fill the file. */
function checkRanges(entries: readonly Entry[], dataLength: number): void {
  let position = 0;
  for (const { begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) throw corrupt(`the tensors overlap or leave a gap at byte ${position}`);
    position = end;
  }
  if (position !== dataLength) {
    throw corrupt(`the tensors take ${position} bytes and ${dataLength} follow the header`);
  }
}

function gather(data: Uint8Array, begins: readonly number[], layout: ParameterLayout): Float32Array {
  const flat = new Float32Array(layout.length);
  for (const [index, slot] of layout.slots.entries()) {
    const begin = begins[index] ?? 0;
    const target = slotOf(flat, slot);
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(
      data.subarray(begin, begin + target.byteLength),
    );
  }
  return flat;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function corrupt(message: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", `not a whole safetensors file: ${message}`, {
    fix: "fetch or write the file again",
    cause,
  });
}

function otherModel(message: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", message, { fix: "use weights of this very model" });
}

const prefixBytes = 8;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;
const space = 0x20;
