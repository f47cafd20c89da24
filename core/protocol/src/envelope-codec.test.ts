import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { decodeEnvelope, encodeEnvelope } from "./envelope-codec.ts";
import { SelvedgeError } from "./errors.ts";
import { EnvelopeSchema } from "./gen/selvedge/v1/envelope_pb.js";
import { limits } from "./limits.ts";

const goodbye = (reason: string) =>
  create(EnvelopeSchema, {
    from: "device-1",
    to: "coordinator",
    epoch: "e",
    stream: "control",
    sequence: 7n,
    body: { case: "goodbye", value: { session: "s", reason } },
  });

const withCode = (code: string) => (thrown: unknown) =>
  thrown instanceof SelvedgeError && thrown.code === code;

test("an envelope survives encoding and decoding", () => {
  const envelope = goodbye("updating");
  assert.deepEqual(decodeEnvelope(encodeEnvelope(envelope)), envelope);
});

test("an envelope above the limit is refused on encoding and before decoding", () => {
  assert.throws(() => encodeEnvelope(goodbye("x".repeat(limits.envelopeBytesMax))), withCode("too_large"));
  assert.throws(() => decodeEnvelope(new Uint8Array(limits.envelopeBytesMax + 1)), withCode("too_large"));
});

test("the largest envelope passes both ways", () => {
  const overhead =
    encodeEnvelope(goodbye("x".repeat(limits.envelopeBytesMax - 100))).byteLength -
    limits.envelopeBytesMax +
    100;
  const bytes = encodeEnvelope(goodbye("x".repeat(limits.envelopeBytesMax - overhead)));
  assert.equal(bytes.byteLength, limits.envelopeBytesMax);
  assert.equal(decodeEnvelope(bytes).body.case, "goodbye");
});

test("bytes that are not an envelope are corrupt", () => {
  assert.throws(() => decodeEnvelope(Uint8Array.of(0xff, 0xff, 0xff)), withCode("corrupt"));
});
