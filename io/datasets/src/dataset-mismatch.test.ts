import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlanTarget } from "@selvedge/protocol";
import type { DatasetDescription, DatasetWish } from "./dataset.ts";
import { datasetMismatch } from "./dataset-mismatch.ts";
import { classReading } from "./plan-reading.ts";
import { column, schema } from "./table.fixture.ts";

const digits: DatasetWish = { name: "digits", inputShape: [784], ...classReading(10) };
const motes: DatasetWish = {
  name: "motes",
  inputShape: [1],
  ...classReading(2, schema(column("humidity"))),
};
const images = (inputShape: readonly number[], classes = 10) => {
  return { kind: "array", length: 1, inputShape, labels: { shape: [], isWhole: true }, classes } as const;
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

test("[DS4] labels of another shape or kind are named on both sides, a text as such", () => {
  const wish = (target: PlanTarget): DatasetWish => ({ ...digits, target });
  const has = (shape: readonly number[], isWhole: boolean): DatasetDescription => {
    return { kind: "array", length: 1, inputShape: [28, 28], labels: { shape, isWhole }, classes: undefined };
  };
  const numbers = wish({ kind: "numbers", shape: [1] });
  const places = wish({ kind: "class", shape: [28, 28], classes: 4 });
  const input = wish({ kind: "input", shape: [784] });
  assert.equal(datasetMismatch(numbers, has([], false)), null);
  assert.equal(datasetMismatch(places, has([28, 28], true)), null);
  assert.equal(datasetMismatch(input, { ...images([784]), labels: null }), null);
  const data = 'dataset "digits" has examples of shape [28, 28] and';
  const takes = "the plan takes examples of shape [784] and";
  const cases: readonly [DatasetWish, DatasetDescription, string][] = [
    [numbers, has([2], false), `${data} [2] numbers; ${takes} [1] numbers`],
    [places, has([], true), `${data} [] whole numbers; ${takes} [28, 28] indices of 4 classes`],
    [places, has([28, 28], false), `${data} [28, 28] numbers; ${takes} [28, 28] indices of 4 classes`],
    [digits, { ...images([28, 28]), labels: null }, `${data} no labels; ${takes} 10 classes`],
    [digits, { kind: "text" }, `dataset "digits" is a text; ${takes} 10 classes`],
  ];
  for (const [asked, given, message] of cases) assert.equal(datasetMismatch(asked, given), message);
});
