import assert from "node:assert/strict";
import { test } from "node:test";
import type { TableColumn } from "@selvedge/protocol";
import { decodeRoundConfig, encodeRoundConfig } from "../round-config.ts";
import { type ColumnScaling, scaleColumns, scaleFeatures } from "./column-scaling.ts";
import { summariseColumns } from "./column-statistics.ts";
import { allRows, column, schema } from "./table.fixture.ts";

function scalingOf(values: readonly number[], change: Partial<TableColumn>): ColumnScaling | undefined {
  const table = schema(column("a", change));
  const inputs = Float32Array.from(values);
  return scaleColumns(table, summariseColumns(table, inputs, allRows(values.length)))[0];
}

const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

test("[DS6] standard moves the mean to 0 and the deviation to 1, min-max the range to 0 and 1", () => {
  const deviation = Math.sqrt(8.25);
  const standard = { offset: 5.5, factor: Math.fround(1 / deviation), mean: null };
  assert.deepEqual(scalingOf(ten, { normalisation: "standard" }), standard);
  const range = { offset: 1, factor: Math.fround(1 / 9), mean: null };
  assert.deepEqual(scalingOf(ten, { normalisation: "min-max" }), range);
});

test("[DS2] missing values do not count, and the mean of the others stands in", () => {
  const values = [...ten, Number.NaN, Number.NaN];
  assert.deepEqual(scalingOf(values, { missing: "mean" }), { offset: 0, factor: 1, mean: 5.5 });
  assert.equal(scalingOf(values, { missing: "mean", normalisation: "standard" })?.offset, 5.5);
});

test("a column of equal values is only moved", () => {
  const equal = ten.map(() => 0.1);
  const moved = { offset: Math.fround(0.1), factor: 1, mean: null };
  assert.deepEqual(scalingOf(equal, { normalisation: "standard" }), moved);
  assert.deepEqual(scalingOf(equal, { normalisation: "min-max" }), moved);
});

test("a small deviation far from 0 is not lost, nor the largest and smallest numbers", () => {
  const far = ten.map((value) => 1e7 + value);
  assert.equal(scalingOf(far, { normalisation: "standard" })?.factor, Math.fround(1 / Math.sqrt(8.25)));
  const large = ten.map((value) => (value % 2 === 0 ? 1 : -1) * 3e38);
  assert.deepEqual(scalingOf(large, { normalisation: "standard" })?.offset, 0);
  const small = ten.map((value) => value * 2 ** -149);
  assert.deepEqual(scalingOf(small, { normalisation: "standard" })?.factor, 1);
});

test("statistics of few values are not given", () => {
  assert.throws(() => scalingOf(ten.slice(1), { normalisation: "standard" }), {
    code: "failed_precondition",
  });
});

test("each number of a category has the scaling of none", () => {
  const colour = column("colour", { type: "category", values: ["blue", "red"] });
  const table = schema(colour, column("a", { normalisation: "min-max", missing: "mean" }));
  const inputs = Float32Array.from(ten.flatMap((value) => [0, 1, value]));
  const scaling = scaleColumns(table, summariseColumns(table, inputs, allRows(10)));
  const { offsets, factors, means } = scaleFeatures(table, scaling);
  assert.deepEqual([...offsets], [0, 0, 1]);
  assert.deepEqual([...factors], [1, 1, Math.fround(1 / 9)]);
  assert.deepEqual([...means], [Number.NaN, Number.NaN, 5.5]);
});

test("[DS6] a round's configuration carries the scaling, and one that does not fit the plan is refused", () => {
  const table = schema(column("a", { missing: "mean" }));
  const scaling = [{ offset: 0, factor: 0.5, mean: 0.25 }];
  const { bytes } = encodeRoundConfig({ weightCap: 1 }, scaling);
  assert.deepEqual(decodeRoundConfig(bytes, table), {
    aggregator: { weightCap: 1 },
    scaling,
    control: null,
    lossScale: null,
  });
  const wrong: readonly ColumnScaling[][] = [
    [],
    [...scaling, ...scaling],
    [{ offset: 0, factor: 0, mean: 1 }],
    [{ offset: 0, factor: 1, mean: null }],
    [{ offset: 1e300, factor: 1, mean: 1 }],
  ];
  for (const bad of wrong) {
    const encoded = encodeRoundConfig({}, bad);
    assert.throws(() => decodeRoundConfig(encoded.bytes, table), { code: "invalid_argument" });
  }
  assert.throws(() => decodeRoundConfig(Buffer.from("null"), table), { code: "invalid_argument" });
});

test("a configuration without scaling is the aggregator's own", () => {
  const { bytes } = encodeRoundConfig({ weightCap: 1 }, null);
  assert.equal(Buffer.from(bytes).toString(), '{"weightCap":1}');
  assert.deepEqual(decodeRoundConfig(bytes, null), {
    aggregator: { weightCap: 1 },
    scaling: null,
    control: null,
    lossScale: null,
  });
});
