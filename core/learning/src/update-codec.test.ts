import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { decodeUpdate, encodeUpdate } from "./update-codec.ts";

test("an update is little-endian float32 and nothing else", () => {
  assert.deepEqual(encodeUpdate(Float32Array.of(1, -2)), Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0));
});

test("decodeUpdate reads it back wherever it lies in its buffer", () => {
  const bytes = new Uint8Array(9);
  bytes.set(encodeUpdate(Float32Array.of(1, -2)), 1);
  assert.deepEqual(decodeUpdate(bytes.subarray(1), 2), Float32Array.of(1, -2));
  assert.deepEqual(decodeUpdate(bytes.slice(1), 2), Float32Array.of(1, -2));
});

test("encodeUpdate copies only the view it is given", () => {
  assert.equal(encodeUpdate(new Float32Array(8).subarray(2, 4)).buffer.byteLength, 8);
});

test("decodeUpdate refuses any other number of bytes", () => {
  for (const length of [0, 7, 9, 12]) {
    assert.throws(
      () => decodeUpdate(new Uint8Array(length), 2),
      (error) => error instanceof SelvedgeError && error.message.includes(`8 bytes, not ${length}`),
    );
  }
});
