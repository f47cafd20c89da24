import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { decodeStatistics } from "./statistics-codec.ts";
import { column, schema } from "./table.fixture.ts";

const table = schema(
  column("a", { normalisation: "standard" }),
  column("b", { normalisation: "min-max" }),
  column("c"),
  column("d", { missing: "mean" }),
);

const sound = {
  columns: [
    { name: "a", count: 10, sum: "-20", squares: "40" },
    { name: "b", count: 12, minimum: -1.5, maximum: 2 },
    { name: "d", count: 10, sum: "0" },
  ],
};

const decode = (value: unknown): unknown => decodeStatistics(Buffer.from(JSON.stringify(value)), table, 100);

test("[DS5] what the plan asks of each column is read, and nothing of the others", () => {
  assert.deepEqual(decode(sound), [
    { name: "a", count: 10, sum: -20n, squares: 40n, range: null },
    { name: "b", count: 12, sum: null, squares: null, range: { minimum: -1.5, maximum: 2 } },
    { name: "d", count: 10, sum: 0n, squares: null, range: null },
  ]);
});

function withColumn(index: number, change: Record<string, unknown>): unknown {
  return { columns: sound.columns.map((one, at) => (at === index ? { ...one, ...change } : one)) };
}

const refused: Readonly<Record<string, unknown>> = {
  "no object": [sound],
  "too few columns": { columns: sound.columns.slice(1) },
  "another key": { ...sound, note: "a secret" },
  "another key in a column": withColumn(0, { median: 3 }),
  "a sum that was not asked for": withColumn(1, { sum: "1" }),
  "another column's name": withColumn(0, { name: "c" }),
  "a count of few values": withColumn(0, { count: 9 }),
  "more values than the plan allows": withColumn(0, { count: 101 }),
  "a fraction of a value": withColumn(0, { count: 10.5 }),
  "a sum that is no whole number": withColumn(0, { sum: "1.5" }),
  "a sum that is a number": withColumn(0, { sum: 1 }),
  "a sum with leading zeros": withColumn(0, { sum: "007" }),
  "a sum too large for float32 values": withColumn(2, { sum: `1${"0".repeat(95)}` }),
  "squares below what the sum needs": withColumn(0, { squares: "39" }),
  "negative squares": withColumn(0, { sum: "0", squares: "-1" }),
  "a minimum above the maximum": withColumn(1, { minimum: 3 }),
  "a minimum that float32 does not have": withColumn(1, { minimum: 0.1 }),
  "no minimum": withColumn(1, { minimum: null }),
};

for (const [what, value] of Object.entries(refused)) {
  test(`[DS5] statistics with ${what} are refused`, () => {
    assert.throws(() => decode(value), SelvedgeError);
  });
}

test("statistics that are too large or not JSON are refused", () => {
  assert.throws(() => decodeStatistics(Buffer.alloc(2_000_000), table, 100), { code: "too_large" });
  assert.throws(() => decodeStatistics(Buffer.from("{"), table, 100), { code: "corrupt" });
});
