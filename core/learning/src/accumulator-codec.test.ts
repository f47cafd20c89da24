import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import type { Accumulator } from "./accumulator.ts";
import { decodeAccumulator, encodeAccumulator } from "./accumulator-codec.ts";

const accumulator: Accumulator = {
  format: "grid64",
  configDigest: digestOf(Uint8Array.of(1)),
  baseVersion: 4,
  contributors: ["a", "b"],
  weight: 30,
  sum: Float64Array.of(0.5, -(2 ** -40), 3),
};
const bytes = encodeAccumulator(accumulator);

test("an accumulator is read back as it was, wherever it lies in its buffer", () => {
  const padded = new Uint8Array(bytes.length + 5);
  padded.set(bytes, 5);
  assert.deepEqual(decodeAccumulator(padded.subarray(5)), accumulator);
});

test("what a robust rule combined is read back, with what it measured and how many answered yes", () => {
  const combined: Accumulator = {
    ...accumulator,
    format: "combined",
    counts: [2, 0],
    measurements: { selected: 2, leftOut: 1 },
  };
  assert.deepEqual(decodeAccumulator(encodeAccumulator(combined)), combined);
  const text = Buffer.from(encodeAccumulator(combined)).toString("latin1");
  const spoilt = Buffer.from(text.replace('"leftOut":1', '"leftOut":[]'.slice(0, 11)), "latin1");
  assert.throws(() => decodeAccumulator(spoilt), { code: "corrupt" });
});

test("[AG6] equal accumulators have equal bytes, in the documented layout", () => {
  assert.deepEqual(encodeAccumulator({ ...accumulator, sum: accumulator.sum.slice() }), bytes);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 4)), "SVAC");
  assert.deepEqual(bytes.slice(-24, -16), Uint8Array.of(0, 0, 0, 0, 0, 0, 0xe0, 0x3f));
});

test("decoding takes over none of the caller's buffer", () => {
  const given = bytes.slice();
  const decoded = decodeAccumulator(given);
  given.fill(0);
  assert.deepEqual(decoded, accumulator);
});

test("[AG6] a cut, damaged or foreign accumulator is refused", () => {
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeAccumulator(bytes.subarray(0, length)), SelvedgeError, `first ${length} bytes`);
  }
  const change = (offset: number, value: number) => {
    const changed = bytes.slice();
    changed[offset] = value;
    return changed;
  };
  const code = (expected: string) => (error: unknown) =>
    error instanceof SelvedgeError && error.code === expected;
  assert.throws(() => decodeAccumulator(change(0, 0x54)), code("corrupt"));
  assert.throws(() => decodeAccumulator(change(4, 2)), code("unsupported"));
  assert.throws(() => decodeAccumulator(change(11, 0xff)), code("too_large"));
  assert.throws(() => decodeAccumulator(change(12, 1)), code("corrupt"));
  assert.throws(() => decodeAccumulator(change(16, 0x20)), code("corrupt"));
});

test("a header whose fields are not as they must be is refused", () => {
  const header = new TextDecoder().decode(bytes.subarray(16, bytes.length - 24));
  const changes: [from: string, to: string][] = [
    ['"grid64"', '"ring32"'],
    ['"weight":30', '"weight":-3'],
    ['"weight":30', '"weight":.5'],
    ['"baseVersion":4', '"baseVersion":x'],
    ['"baseVersion":4', '"baseVersion":-'],
    ['"parameters":3', '"parameters":4'],
    ['["a","b"]', '[ 1 ,"b"]'],
    ['["a","b"]', '{"a":"b"}'],
    ["sha256:", "sha512:"],
    ['"weight"', '"height"'],
  ];
  for (const [from, to] of changes) {
    assert.ok(header.includes(from), from);
    const changed = bytes.slice();
    changed.set(new TextEncoder().encode(header.replace(from, to).slice(0, header.length)), 16);
    assert.throws(() => decodeAccumulator(changed), SelvedgeError, `${from} -> ${to}`);
  }
});

test("any bytes are read or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (offset, value) => {
      const changed = bytes.slice();
      changed[offset] = value;
      try {
        decodeAccumulator(changed);
      } catch (error) {
        assert.ok(error instanceof SelvedgeError);
      }
    }),
  );
});
