import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { SelvedgeError } from "./errors.ts";
import { type Envelope, EnvelopeSchema } from "./gen/selvedge/v1/envelope_pb.js";
import { limits } from "./limits.ts";

/**
 * Bytes of one envelope as they cross a link.
 * @throws SelvedgeError `too_large` above `limits.envelopeBytesMax`.
 */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const bytes = toBinary(EnvelopeSchema, envelope);
  checkSize(bytes.byteLength, envelope.body.case ?? "empty");
  return bytes;
}

/**
 * The envelope in bytes received from a link.
 * @throws SelvedgeError `too_large` above `limits.envelopeBytesMax`, before
 *   decoding; `corrupt` when the bytes do not decode.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  checkSize(bytes.byteLength, "received");
  let envelope: Envelope;
  try {
    envelope = fromBinary(EnvelopeSchema, bytes);
  } catch (cause) {
    throw new SelvedgeError("corrupt", `not an envelope: ${bytes.byteLength} bytes that do not decode`, {
      at: "envelope",
      fix: "check that both sides speak the same protocol version",
      cause,
    });
  }
  return envelope;
}

function checkSize(bytes: number, what: string): void {
  if (bytes <= limits.envelopeBytesMax) return;
  throw new SelvedgeError(
    "too_large",
    `an envelope of ${bytes} bytes exceeds the limit of ${limits.envelopeBytesMax}`,
    { at: `envelope (${what})`, fix: "send large bodies as blobs and name them by digest" },
  );
}
