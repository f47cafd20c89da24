import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import { encodeIdx, parseIdx } from "./idx.ts";

const arrays = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }).chain((shape) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return fc.record({
    shape: fc.constant(shape),
    values: fc.uint8Array({ minLength: size, maxLength: size }),
  });
});

test("parseIdx gives back what encodeIdx wrote", () => {
  fc.assert(
    fc.property(arrays, (array) => {
      const read = parseIdx(encodeIdx(array), "f");
      assert.deepEqual(read.shape, array.shape);
      assert.deepEqual([...read.values], [...array.values]);
    }),
  );
});

test("parseIdx reads or refuses any bytes, and refuses every prefix of a file", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        parseIdx(bytes, "f");
      } catch (error) {
        assert.ok(error instanceof SelvedgeError);
      }
    }),
  );
  fc.assert(
    fc.property(arrays, fc.nat(), (array, cut) => {
      const bytes = encodeIdx(array);
      assert.throws(() => parseIdx(bytes.subarray(0, cut % bytes.length), "f"), SelvedgeError);
    }),
  );
});
