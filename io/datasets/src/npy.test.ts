import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { npyBytes, npyFile } from "./npy.fixture.ts";
import { parseNpy } from "./npy.ts";

test("every type that is read comes as float32, and 8-bit numbers as they are", () => {
  const cases: readonly [string, ArrayBufferView][] = [
    ["|u1", Uint8Array.of(1, 2)],
    ["|b1", Uint8Array.of(1, 0)],
    ["|i1", Int8Array.of(-1, 2)],
    ["<u2", Uint16Array.of(1, 65_535)],
    ["<i2", Int16Array.of(-1, 2)],
    ["<u4", Uint32Array.of(1, 2)],
    ["<i4", Int32Array.of(-1, 2)],
    ["<u8", BigUint64Array.of(1n, 2n)],
    ["<i8", BigInt64Array.of(-1n, 2n)],
    ["<f4", Float32Array.of(-1.5, 2)],
    ["<f8", Float64Array.of(-1.5, 2)],
  ];
  for (const [descr, given] of cases) {
    for (const version of [1, 2, 3]) {
      const { shape, values, isWhole } = parseNpy(npyFile(descr, [2, 1], given, version), "x.npy");
      assert.deepEqual(shape, [2, 1]);
      assert.deepEqual([...values], Array.from(given as unknown as ArrayLike<number>, Number), descr);
      assert.equal(values instanceof Uint8Array, descr === "|u1" || descr === "|b1");
      assert.equal(isWhole, !descr.startsWith("<f"));
    }
  }
});

test("a file at an odd place in memory is read alike", () => {
  const file = npyFile("<f4", [2], Float32Array.of(1, 2));
  const moved = Buffer.alloc(file.length + 1);
  file.copy(moved, 1);
  assert.deepEqual([...parseNpy(moved.subarray(1), "x.npy").values], [1, 2]);
});

const plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
const two = Float32Array.of(1, 2);

const refused: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  "another file": [Buffer.from("not an array at all"), "corrupt"],
  "a file that ends in its header": [npyBytes(plain, two).subarray(0, 40), "corrupt"],
  "a file that ends in its values": [npyBytes(plain, two).subarray(0, -1), "corrupt"],
  "a file with bytes added": [Buffer.concat([npyBytes(plain, two), Buffer.alloc(1)]), "corrupt"],
  "an unknown version": [npyBytes(plain, two, 4), "unsupported"],
  "Fortran order": [npyBytes(plain.replace("False", "True"), two), "unsupported"],
  "big-endian numbers": [npyBytes(plain.replace("<", ">"), two), "unsupported"],
  "Python objects": [npyBytes(plain.replace("<f4", "|O"), two), "unsupported"],
  records: [npyBytes(plain.replace("'<f4'", "[('a', '<f4')]"), two), "unsupported"],
  "a scalar": [npyBytes(plain.replace("(2,)", "()"), two), "corrupt"],
  "a dimension of 0": [npyBytes(plain.replace("(2,)", "(0, 2)"), two), "corrupt"],
  "nine dimensions": [npyBytes(plain.replace("(2,)", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), two), "corrupt"],
  "a size past the limit": [npyBytes(plain.replace("(2,)", "(65536, 65536)"), two), "too_large"],
  NaN: [npyBytes(plain, Float32Array.of(1, Number.NaN)), "out_of_range"],
  "more than float32 holds": [npyFile("<f8", [1], Float64Array.of(1e300)), "out_of_range"],
};

for (const [what, [bytes, code]] of Object.entries(refused)) {
  test(`[DS3] ${what} is refused`, () => {
    assert.throws(
      () => parseNpy(bytes, "x.npy"),
      (error) =>
        error instanceof SelvedgeError && error.code === code && error.at?.startsWith("x.npy") === true,
    );
  });
}
