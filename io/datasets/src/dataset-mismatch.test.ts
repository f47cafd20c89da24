import assert from "node:assert/strict";
import { test } from "node:test";
import type { DatasetDescription } from "./dataset.ts";
import { type DatasetWish, datasetMismatch } from "./dataset-mismatch.ts";
import { column, schema } from "./table.fixture.ts";

const digits: DatasetWish = { name: "digits", inputShape: [784], classes: 10, table: null };
const motes: DatasetWish = {
  name: "motes",
  inputShape: [1],
  classes: 2,
  table: schema(column("humidity")),
};
const images = (inputShape: readonly number[], classes = 10): DatasetDescription => {
  return { kind: "array", length: 1, inputShape, classes };
};

test("what fits has no mismatch, whatever way its examples are laid out", () => {
  assert.equal(datasetMismatch(digits, images([28, 28])), null);
  assert.equal(datasetMismatch(motes, { kind: "table", columns: ["label", "x", "humidity"] }), null);
  assert.equal(datasetMismatch(motes, { kind: "table", columns: null }), null);
});

test("[DS4] another shape, number of classes or set of columns is named on both sides", () => {
  const message = (wish: DatasetWish, has: DatasetDescription): string => datasetMismatch(wish, has) ?? "";
  assert.match(message(digits, images([32, 32, 3])), /shape \[32, 32, 3\] and 10 classes; .* \[784\] and 10/);
  assert.match(message(digits, images([28, 28], 2)), /\[28, 28\] and 2 classes; .*\[784\] and 10 classes/);
  assert.match(message(motes, images([2])), /shape \[2\] .* no columns; the plan reads \[humidity, label\]/);
  assert.match(message(digits, { kind: "table", columns: ["a"] }), /is a table; .* shape \[784\]/);
  const given = message(motes, { kind: "table", columns: ["temperature", "label"] });
  assert.match(given, /has no columns \[humidity\]; the plan reads \[humidity, label\]$/);
});
