import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SelvedgeError } from "./errors.ts";
import { type ColumnSchema, DatasetRequestSchema, type TargetSchema } from "./gen/selvedge/v1/round_pb.js";
import { featuresOf, needsStatistics, parseCell, type TableColumn, tableSchemaOf } from "./table-schema.ts";

type ColumnInit = MessageInitShape<typeof ColumnSchema>;
interface Change {
  readonly classes?: number;
  readonly target?: MessageInitShape<typeof TargetSchema>;
  readonly inputShape?: number[];
  readonly columns?: ColumnInit[];
  readonly label?: { readonly name: string; readonly values: string[] } | undefined;
}

const humidity: ColumnInit = { name: "humidity", type: "number", missing: "mean", normalisation: "standard" };
const place: ColumnInit = {
  name: "place",
  type: "category",
  values: ["in", "out", "roof"],
  missing: "constant",
  constant: "out",
  normalisation: "none",
};
const label = { name: "label", values: ["0", "1"] };

function schemaOf(change: Change = {}): ReturnType<typeof tableSchemaOf> {
  const base = { name: "motes", inputShape: [4], classes: 2, columns: [humidity, place], label };
  const { label: given, ...rest } = { ...base, ...change };
  return tableSchemaOf(
    create(DatasetRequestSchema, { ...rest, ...(given !== undefined && { label: given }) }),
  );
}

test("[DS1] columns become numbers one after another", () => {
  const schema = schemaOf();
  assert.ok(schema !== null);
  assert.equal(featuresOf(schema), 4);
  assert.deepEqual(schema.columns.map(needsStatistics), [true, false]);
  assert.deepEqual(schemaOf({ inputShape: [2, 2] }), schema);
  assert.equal(tableSchemaOf(create(DatasetRequestSchema, { inputShape: [4], classes: 2 })), null);
});

const spoilt: Readonly<Record<string, Change>> = {
  label: { columns: [], label },
  "label.name": { label: { ...label, name: "" } },
  "label.values": { label: { ...label, values: ["0", "1", "2"] } },
  columns: { columns: [humidity, place, humidity] },
  input_shape: { inputShape: [5] },
  "columns[0].name": { columns: [{ ...humidity, name: "x".repeat(129) }] },
  "columns[0].type": { columns: [{ ...humidity, type: "text" }] },
  "columns[0].missing": { columns: [{ ...humidity, missing: "guess" }] },
  "columns[0].normalisation": { columns: [{ ...humidity, normalisation: "log" }] },
  "columns[0].values": { columns: [{ ...humidity, values: ["1"] }] },
  "columns[0].constant": { columns: [{ ...humidity, constant: "1" }] },
  "columns[1].values": { columns: [humidity, { ...place, values: ["in", "in"] }] },
  "columns[1].constant": { columns: [humidity, { ...place, constant: "cellar" }] },
  "columns[1].normalisation": { columns: [humidity, { ...place, missing: "mean", constant: "" }] },
};

const price: ColumnInit = { name: "price", type: "number", missing: "skip-row", normalisation: "none" };
const learned = (...columns: ColumnInit[]): Change => {
  return { ...noLabel, classes: 0, target: { kind: "numbers", shape: [columns.length], columns } };
};
const noLabel = { label: undefined };

test("[DS8] a table holds a label, or columns that are learned", () => {
  const { label: none, targets } = schemaOf(learned(price, { ...price, name: "rent" })) ?? assert.fail();
  assert.deepEqual([none, targets.map(({ name }) => name)], [null, ["price", "rent"]]);
  const input = schemaOf({ ...noLabel, classes: 0, target: { kind: "input" } });
  assert.deepEqual([input?.label, input?.targets], [null, []]);
});

const spoiltTargets: readonly (readonly [field: string, change: Change])[] = [
  ["label.values", { ...learned(price), label }],
  ["label", noLabel],
  ["label", { target: { kind: "input" } }],
  ["target.columns", { ...noLabel, target: { kind: "numbers", shape: [1] } }],
  ["target.columns", learned({ ...price, name: "humidity" })],
  ["target.columns", learned(price, price)],
  ["target.columns", { columns: [], ...learned(price) }],
  ["target.columns[0].type", learned({ ...price, type: "boolean" })],
  ["target.columns[0].missing", learned({ ...price, missing: "mean" })],
  ["target.columns[0].normalisation", learned({ ...price, normalisation: "standard" })],
  ["target.shape", { ...learned(price), target: { kind: "numbers", shape: [2], columns: [price] } }],
  ["target.shape", { target: { kind: "class", shape: [2] } }],
  [
    "classes",
    {
      ...noLabel,
      classes: 3,
      target: { kind: "class", shape: [1], columns: [{ ...price, type: "boolean" }] },
    },
  ],
];

for (const [field, change] of spoiltTargets) {
  test(`[OF1] a plan whose table's ${field} is not learned so is refused and named: ${JSON.stringify(change)}`, () => {
    assert.throws(() => schemaOf(change), { code: "invalid_argument", at: `plan.dataset.${field}` });
  });
}

for (const [field, change] of Object.entries(spoilt)) {
  test(`[OF1] a plan whose dataset.${field} is wrong is refused and named`, () => {
    assert.throws(
      () => schemaOf(change),
      (error) => error instanceof SelvedgeError && error.at === `plan.dataset.${field}`,
    );
  });
}

test("a label that is also learned from, and a table without labels, are refused", () => {
  assert.throws(() => schemaOf({ label: { ...label, name: "place" } }), { at: "plan.dataset.label.name" });
  const request = create(DatasetRequestSchema, { inputShape: [1], classes: 2, columns: [humidity] });
  assert.throws(() => tableSchemaOf(request), { at: "plan.dataset.label" });
});

test("[DS3] a number is decimal, finite in float32 and short", () => {
  const number = (text: string): number | undefined => parseCell(text, numberColumn);
  assert.deepEqual(["1", "-.5", "+2.", "1e3", "1E-3"].map(number), [1, -0.5, 2, 1000, Math.fround(0.001)]);
  const words = ["", " ", "1,5", "0x10", "NaN", "Infinity", "1e39", "--1", "1_000", "１", "9".repeat(65)];
  assert.deepEqual(
    words.map(number),
    words.map(() => undefined),
  );
});

const numberColumn: TableColumn = {
  name: "x",
  type: "number",
  values: [],
  missing: "error",
  constant: "",
  normalisation: "none",
};
