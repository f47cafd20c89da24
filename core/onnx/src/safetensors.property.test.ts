import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import type { ParameterLayout } from "./parameters.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { sizeOf } from "./shape.ts";

const layouts: fc.Arbitrary<ParameterLayout> = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
      shape: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 5 },
  )
  .map((tensors) => {
    let length = 0;
    const slots = tensors.map(({ name, shape }) => {
      const slot = { name, shape, offset: length, length: sizeOf(shape) };
      length += slot.length;
      return slot;
    });
    return { slots, length };
  });

test("what was encoded is decoded, at any alignment", () => {
  fc.assert(
    fc.property(layouts, fc.nat(7), fc.infiniteStream(fc.float()), (layout, shift, values) => {
      const flat = Float32Array.from({ length: layout.length }, () => values.next().value ?? 0);
      const file = encodeSafetensors(layout, flat);
      const shifted = new Uint8Array(file.length + shift).subarray(shift);
      shifted.set(file);
      assert.deepEqual(decodeSafetensors(shifted, layout), flat);
    }),
  );
});

test("a damaged file is decoded or refused with one of our errors, never anything else", () => {
  fc.assert(
    fc.property(layouts, fc.nat(), fc.integer({ min: 0, max: 255 }), (layout, position, byte) => {
      const file = encodeSafetensors(layout, new Float32Array(layout.length));
      file[position % file.length] = byte;
      try {
        assert.equal(decodeSafetensors(file, layout).length, layout.length);
      } catch (error) {
        assert.ok(error instanceof SelvedgeError, String(error));
      }
    }),
  );
});
