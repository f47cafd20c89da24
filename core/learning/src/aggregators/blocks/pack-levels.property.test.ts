import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packedBytes, packLevels, unpackLevels } from "./pack-levels.ts";

test("levels of any number of bits are the same after packing, in as few bytes as hold them", () => {
  const levels = fc
    .integer({ min: 1, max: 16 })
    .chain((bits) => fc.tuple(fc.constant(bits), fc.uint16Array({ max: 2 ** bits - 1, maxLength: 100 })));
  fc.assert(
    fc.property(levels, ([bits, drawn]) => {
      const bytes = packLevels(drawn, bits);
      assert.equal(bytes.length, packedBytes(drawn.length, bits));
      assert.deepEqual(unpackLevels(bytes, drawn.length, bits), drawn);
    }),
  );
});
