import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RoundSchema } from "@selvedge/protocol";
import { breakdownTables } from "./breakdown-tables.ts";

test("figures stand by quartiles over devices, and by group and tag", () => {
  const quartiles = { minimum: 0.5, lowerQuartile: 0.6, median: 0.75, upperQuartile: 0.8, maximum: 0.9 };
  const round = create(RoundSchema, {
    spread: { eval_accuracy: { devices: 7, ...quartiles } },
    groups: [
      { kind: "group", name: "north", devices: 4, metrics: { eval_accuracy: 0.7, train_loss: 1 } },
      { kind: "tag", name: "old", devices: 3, metrics: { eval_macro_f1: 0.25 } },
    ],
  });
  assert.equal(
    breakdownTables(round),
    `OVER DEVICES  DEVICES  MIN     25%     MEDIAN  75%     MAX
accuracy      7        0.5000  0.6000  0.7500  0.8000  0.9000

SET          DEVICES  ACCURACY  MACRO F1
group north  4        0.7000    -
tag old      3        -         0.2500
`,
  );
});

test("where nothing is told there is no table", () => {
  assert.equal(breakdownTables(create(RoundSchema)), "");
  assert.equal(breakdownTables(undefined), "");
});
