import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { scalarsOf } from "./curve.ts";
import type { RoundPoint } from "./round-point.ts";

/**
 * Records of a TensorBoard event file: TFRecord frames (length, masked CRC-32C of it, bytes, masked CRC-32C
 * of these), each a `tensorflow.Event`, one a round with every metric as `simple_value`. A file is
 * `tensorboardHeader` and then rounds in any number.
 *
 * @see https://www.tensorflow.org/tutorials/load_data/tfrecord and tensorboard/compat/proto/event.proto
 */
export function tensorboardEvent(point: RoundPoint, wallTimeMs: number): Uint8Array {
  const summary = new BinaryWriter();
  for (const [path, value] of scalarsOf(point)) {
    const scalar = new BinaryWriter()
      .tag(tags.tag, wire.lengthDelimited)
      .string(path.replace(".", "/"))
      .tag(tags.simpleValue, wire.bit32)
      .float(value);
    summary.tag(tags.value, wire.lengthDelimited).bytes(scalar.finish());
  }
  const event = eventAt(wallTimeMs).tag(tags.step, wire.varint).int64(point.round);
  return frame(event.tag(tags.summary, wire.lengthDelimited).bytes(summary.finish()).finish());
}

/** What a file begins with. */
export function tensorboardHeader(wallTimeMs: number): Uint8Array {
  return frame(
    eventAt(wallTimeMs).tag(tags.fileVersion, wire.lengthDelimited).string("brain.Event:2").finish(),
  );
}

function eventAt(wallTimeMs: number): BinaryWriter {
  return new BinaryWriter().tag(tags.wallTime, wire.bit64).double(wallTimeMs / 1_000);
}

function frame(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(bytes.length + frameBytes);
  framed.writeBigUInt64LE(BigInt(bytes.length), 0);
  framed.writeUInt32LE(masked(framed.subarray(0, 8)), 8);
  framed.set(bytes, 12);
  framed.writeUInt32LE(masked(bytes), 12 + bytes.length);
  return framed;
}

/** Rotated and moved, since a checksum of data that holds its own checksum is weak. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, reflected (RFC 3720, 12.1); node:zlib has only that of IEEE 802.3. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const crcTable: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** Field numbers of Event, Summary and Summary.Value. */
const tags = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, value: 1, tag: 1, simpleValue: 2 } as const;
const wire = { varint: 0, bit64: 1, lengthDelimited: 2, bit32: 5 } as const;
const frameBytes = 16;
