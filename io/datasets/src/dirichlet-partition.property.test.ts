import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dirichletPartition } from "./dirichlet-partition.ts";

const options = fc.record({
  labels: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40, maxLength: 200 }),
  classes: fc.constant(5),
  parts: fc.integer({ min: 1, max: 8 }),
  alpha: fc.double({ min: 0.2, max: 50, noNaN: true }),
  seed: fc.integer(),
  minimumPerPart: fc.integer({ min: 0, max: 2 }),
});

test("every example is in exactly one part, parts ascend and have their minimum", () => {
  fc.assert(
    fc.property(options, (drawn) => {
      const parts = dirichletPartition(drawn);
      assert.equal(parts.length, drawn.parts);
      const all = parts.flatMap((part) => [...part]).sort((a, b) => a - b);
      assert.deepEqual(
        all,
        drawn.labels.map((_, index) => index),
      );
      for (const part of parts) {
        assert.ok(part.length >= drawn.minimumPerPart);
        assert.deepEqual(part, part.toSorted());
      }
    }),
  );
});
