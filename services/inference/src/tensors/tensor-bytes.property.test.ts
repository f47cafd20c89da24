import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor } from "@selvedge/runtime";
import fc from "fast-check";
import { type Datatype, datatypes } from "./datatype.ts";
import { decodeTensorBytes, elementSize, encodeTensorBytes } from "./tensor-bytes.ts";

const numeric = Object.keys(datatypes).filter((datatype) => datatype !== "BYTES") as Datatype[];

test("[SV11] every datatype is written as it is read, wherever in memory its bytes are", () => {
  const input = fc.tuple(fc.constantFrom(...numeric), fc.nat({ max: 9 }), fc.nat({ max: 8 }));
  fc.assert(
    fc.property(input, fc.uint8Array({ minLength: 88, maxLength: 88 }), ([datatype, count, shift], noise) => {
      const bits = datatype === "BOOL" ? noise.map((byte) => byte & 1) : noise;
      const bytes = bits.subarray(shift, shift + count * (elementSize(datatype) ?? 0));
      const data = decodeTensorBytes(datatype, bytes, count, "x");
      const tensor = { type: datatypes[datatype].type, dims: [count], data } as Tensor;
      assert.equal(data.length, count);
      assert.deepEqual([...encodeTensorBytes(tensor)], [...bytes]);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 6 }), (texts) => {
      const bytes = encodeTensorBytes({ type: "string", dims: [texts.length], data: texts });
      assert.deepEqual(decodeTensorBytes("BYTES", bytes, texts.length, "x"), texts);
    }),
  );
});

test("[SV11] half floats are the two bytes IEEE 754 gives them", () => {
  assert.deepEqual(
    decodeTensorBytes("FP16", Uint8Array.of(0x00, 0x3c, 0x00, 0xc1), 2, "x"),
    Float16Array.of(1, -2.5),
  );
});

test("[SV11] binary data that is too short, too long or not of its datatype is refused with its size", () => {
  const cases: readonly [Datatype, readonly number[], number, RegExp][] = [
    ["FP32", [0, 0, 0], 1, /^x has 3 bytes, 1 elements of FP32 are 4$/],
    ["INT64", [0, 0, 0, 0, 0, 0, 0, 0], 2, /^x has 8 bytes, 2 elements of INT64 are 16$/],
    ["BOOL", [0, 2], 2, /^x has 2 at element 1, BOOL is a byte of 0 or 1$/],
    ["BYTES", [1, 0, 0], 1, /^x ends within the length of element 0$/],
    ["BYTES", [2, 0, 0, 0, 65], 1, /^x ends within element 0$/],
    ["BYTES", [255, 255, 255, 255, 65], 1, /^x ends within element 0$/],
    ["BYTES", [0, 0, 0, 0], 2, /^x has 1 elements, its shape needs 2$/],
    ["BYTES", [0, 0, 0, 0, 0, 0, 0, 0], 1, /^x has more than 1 elements$/],
    ["BYTES", [1, 0, 0, 0, 0xff], 1, /^x has no UTF-8 in element 0$/],
  ];
  for (const [datatype, bytes, count, message] of cases) {
    assert.throws(
      () => decodeTensorBytes(datatype, Uint8Array.from(bytes), count, "x"),
      (error) => error instanceof SelvedgeError && message.test(error.message),
      `${datatype} ${bytes}`,
    );
  }
});
