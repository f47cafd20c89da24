import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { SelvedgeError } from "@selvedge/protocol";
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from "./gen/onnx/onnx_pb.js";
import { notOnnx } from "./model.ts";
import { checkLength, describeSlot, type ParameterLayout, slotOf } from "./parameters.ts";

/**
 * The same ONNX file with other parameters: their bytes are replaced where and
 * as they are stored, and every other byte stays what it was, known to us or not.
 *
 * @param file that `parseModel` accepted; not changed
 * @param layout of the same model
 * @throws SelvedgeError `invalid_argument` when the vector is not as long as the layout,
 *   `failed_precondition` when the file has no such parameters, `corrupt`
 */
export function writeParameters(
  file: Uint8Array,
  layout: ParameterLayout,
  flat: Float32Array,
): Uint8Array<ArrayBuffer> {
  checkLength(layout, flat);
  const written = new Uint8Array(file);
  const places = placesIn(written);
  for (const slot of layout.slots) {
    const place = places.get(slot.name);
    // As it is in memory and in the file: little-endian.
    const values = slotOf(flat, slot);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (place === undefined || !overwrite(place, bytes)) {
      throw new SelvedgeError("failed_precondition", `the file has no ${describeSlot(slot)}`, {
        fix: "use the layout of the same model",
      });
    }
  }
  return written;
}

/** Views of the bytes of a tensor's values, in order. */
type Place = readonly Uint8Array[];

function placesIn(file: Uint8Array): ReadonlyMap<string, Place> {
  const { graph } = ModelProtoSchema.field;
  const { initializer } = GraphProtoSchema.field;
  try {
    // A message that is in the file in parts is the sum of them.
    const tensors = contentsOf(file, graph).flatMap((part) => contentsOf(part, initializer));
    return new Map(tensors.map((tensor) => [nameOf(tensor), placeOf(tensor)]));
  } catch (cause) {
    throw notOnnx(cause);
  }
}

function nameOf(tensor: Uint8Array): string {
  return new TextDecoder().decode(contentsOf(tensor, TensorProtoSchema.field.name).at(-1));
}

function placeOf(tensor: Uint8Array): Place {
  const { rawData, floatData } = TensorProtoSchema.field;
  const raw = contentsOf(tensor, rawData).at(-1);
  return raw !== undefined && raw.length > 0 ? [raw] : contentsOf(tensor, floatData);
}

/** False when they are not of the same length. */
function overwrite(place: Place, bytes: Uint8Array): boolean {
  const end = place.reduce((start, part) => {
    part.set(bytes.subarray(start, start + part.length));
    return start + part.length;
  }, 0);
  return end === bytes.length;
}

/**
 * Views of what each occurrence of a field holds: a message, bytes, packed
 * numbers, or one number of 32 bits.
 */
function contentsOf(message: Uint8Array, field: { readonly number: number }): Uint8Array[] {
  const reader = new BinaryReader(message);
  const contents: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field.number && wireType === WireType.LengthDelimited) contents.push(reader.bytes());
    else if (number === field.number && wireType === WireType.Bit32) contents.push(reader.skip(wireType));
    else reader.skip(wireType, number);
  }
  return contents;
}
