import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, limits, SelvedgeError } from "@selvedge/protocol";
import { decodeClientConfig, encodeClientConfig } from "./client-config-codec.ts";

test("equal configurations have equal bytes, whatever the order of their keys", () => {
  const { bytes, digest } = encodeClientConfig({ b: 1, a: { d: [2, { z: 1, y: 2 }], c: null } });
  assert.equal(new TextDecoder().decode(bytes), '{"a":{"c":null,"d":[2,{"y":2,"z":1}]},"b":1}');
  assert.equal(digest, digestOf(bytes));
  assert.deepEqual(decodeClientConfig(bytes), { a: { c: null, d: [2, { y: 2, z: 1 }] }, b: 1 });
});

test("bytes that are no JSON, no UTF-8 or too many are refused", () => {
  const oversized = new Uint8Array(limits.planBytesMax + 1).fill(0x20);
  for (const bytes of [new Uint8Array(), Uint8Array.of(0x7b), Uint8Array.of(0x22, 0xff, 0x22), oversized]) {
    assert.throws(() => decodeClientConfig(bytes), SelvedgeError);
  }
});
