import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatContentRange, parseContentRange, parseRange } from "./byte-range.ts";

const lengths = fc.nat({ max: 2 ** 40 });

test("[BL11] a range read from any header lies inside the blob and is not empty", () => {
  const headers = fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,17}-\d{0,17}$/));
  fc.assert(
    fc.property(headers, lengths, (header, length) => {
      const range = parseRange(header, length);
      if (range === undefined || range === "unsatisfiable") return;
      assert.ok(0 <= range.start && range.start < range.end && range.end <= length);
    }),
  );
});

test("[BL11] a range inside the blob is read as it was written", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (start, more, rest) => {
      const length = start + more + rest + 1;
      const range = { start, end: start + more + 1 };
      assert.deepEqual(parseRange(`bytes=${start}-${start + more}`, length), range);
      assert.deepEqual(parseRange(`bytes=${start}-`, length), { start, end: length });
      assert.deepEqual(parseContentRange(formatContentRange(range, length)), { ...range, total: length });
    }),
  );
});

test("[BL12] a content range from any header is absent or makes sense", () => {
  const headers = fc.oneof(fc.string(), fc.stringMatching(/^bytes \d{1,16}-\d{1,16}\/\d{1,16}$/));
  fc.assert(
    fc.property(headers, (header) => {
      const range = parseContentRange(header);
      if (range !== undefined) assert.ok(range.start < range.end && range.end <= range.total);
    }),
  );
});
