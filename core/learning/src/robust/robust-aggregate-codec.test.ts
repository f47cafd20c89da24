import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCombined, encodeCombined } from "./robust-aggregate-codec.ts";

const combined = { contributors: 7, result: Float64Array.of(1.5, -2, Math.PI) };

test("what was encoded is decoded, to the bit", () => {
  assert.deepEqual(decodeCombined(encodeCombined(combined)), combined);
});

test("bytes that were cut or changed are corrupt", () => {
  const bytes = encodeCombined(combined);
  assert.throws(() => decodeCombined(bytes.subarray(0, -8)), { code: "corrupt" });
  assert.throws(() => decodeCombined(bytes.subarray(0, 10)), { code: "corrupt" });
  const text = Buffer.from(bytes).toString("latin1").replace('"contributors":7', '"contributors":-');
  assert.throws(() => decodeCombined(Buffer.from(text, "latin1")), { code: "corrupt" });
});
