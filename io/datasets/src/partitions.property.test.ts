import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { iidPartition } from "./iid-partition.ts";
import { shardsPartition } from "./shards-partition.ts";

const sizes = fc.record({ parts: fc.integer({ min: 1, max: 40 }), more: fc.nat(400), seed: fc.nat() });

test("a partition at random has every example once, ascending, and parts of one size", () => {
  fc.assert(
    fc.property(sizes, ({ parts, more, seed }) => {
      const length = parts + more;
      const dealt = iidPartition({ length, parts, seed });
      checkDealt(dealt, length);
      const lengths = dealt.map((part) => part.length);
      assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
      assert.deepEqual(iidPartition({ length, parts, seed }), dealt);
    }),
  );
});

test("shards hold every example once, and a part's come from as many runs of the sorted labels as it has shards", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 3 }), ({ parts, more, seed }, shardsPerPart) => {
      const length = parts * shardsPerPart + more;
      const labels = Int32Array.from({ length }, (_, index) => (index * 7) % 10);
      const dealt = shardsPartition({ labels, parts, shardsPerPart, seed });
      checkDealt(dealt, length);
      const rank = new Map(
        [...labels.keys()]
          .sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0) || a - b)
          .map((row, place) => [row, place]),
      );
      for (const part of dealt) {
        const places = Array.from(part, (row) => rank.get(row) ?? -1).sort((a, b) => a - b);
        const runs = places.filter((place, index) => place !== (places[index - 1] ?? -2) + 1).length;
        assert.ok(runs <= shardsPerPart);
      }
    }),
  );
});

test("too few examples are refused", () => {
  assert.throws(() => iidPartition({ length: 2, parts: 3, seed: 1 }), { code: "invalid_argument" });
  assert.throws(() => shardsPartition({ labels: [0, 1, 2], parts: 2, shardsPerPart: 2, seed: 1 }), {
    code: "invalid_argument",
  });
});

function checkDealt(parts: readonly Int32Array[], length: number): void {
  const all = parts.flatMap((part) => [...part]);
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    Array.from({ length }, (_, index) => index),
  );
  for (const part of parts) assert.deepEqual(part, part.toSorted());
}
