import assert from "node:assert/strict";
import { test } from "node:test";
import { parseByteSize } from "./parse-byte-size.ts";

test("sizes are decimal, and need a unit", () => {
  assert.equal(parseByteSize("512MB"), 512_000_000);
  assert.equal(parseByteSize("1.5 GB"), 1_500_000_000);
  assert.equal(parseByteSize("2TB"), 2_000_000_000_000);
  for (const wrong of ["", "512", "512mb", "-1GB", "1e3MB", "GB", "1 000MB"]) {
    assert.equal(parseByteSize(wrong), undefined, wrong);
  }
});
