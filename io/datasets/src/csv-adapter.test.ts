import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SelvedgeError, type TableColumn } from "@selvedge/protocol";
import { type CsvSource, classTargets, type Targets } from "./dataset.ts";
import { describeDataset, openDataset } from "./open-dataset.ts";
import { classReading } from "./plan-reading.ts";
import { column, labelsOf, reading, schema, temporaryFile } from "./table.fixture.ts";

type Settings = Partial<Omit<CsvSource, "format" | "path">>;

function csv(t: TestContext, text: string | Uint8Array, settings: Settings = {}): CsvSource {
  return { format: "csv", path: temporaryFile(t, "data.csv", text), ...settings };
}

test("[DS1] rows become examples in the plan's order of columns, whatever the file's", async (t) => {
  const source = csv(t, "label,unused,b,a\nyes,?,2,1\nno,?,-4e-1,3.5\n");
  const { inputs, ...rest } = await openDataset(source, reading(column("a"), column("b")));
  assert.deepEqual([...inputs], [1, 2, 3.5, Math.fround(-0.4)]);
  assert.deepEqual(rest, {
    name: "data.csv",
    length: 2,
    inputShape: [2],
    scale: 1,
    targets: classTargets(2, Int32Array.of(1, 0)),
  });
});

test("[DS8] columns of a table may be numbers to learn, or booleans, each of two classes", async (t) => {
  const source = csv(t, "a,price,rent\n1,0.5,0\n2,,1\n3,-7,1\n");
  const read = async (kind: "numbers" | "class", ...targets: readonly TableColumn[]): Promise<Targets> => {
    const shape = [targets.length];
    const target = kind === "numbers" ? { kind, shape } : ({ kind, shape, classes: 2 } as const);
    const table = { columns: [column("a")], label: null, targets };
    return (await openDataset(source, { target, table, text: null })).targets;
  };
  const price = column("price", { missing: "skip-row" });
  assert.deepEqual(await read("numbers", price, column("rent")), {
    ...{ kind: "numbers", shape: [2], values: Float32Array.of(0.5, 0, -7, 1) },
  });
  assert.deepEqual(await read("class", column("rent", { type: "boolean" })), {
    ...{ kind: "class", classes: 2, shape: [1], values: Int32Array.of(0, 1, 1) },
  });
  await assert.rejects(read("numbers", column("price")), { at: `${source.path}:3, column "price"` });
});

test("[DS1] a boolean is one number and a category one for each of its values", async (t) => {
  const source = csv(t, "on,colour,label\ntrue,red,no\n0,blue,no\n");
  const colour = column("colour", { type: "category", values: ["blue", "green", "red"] });
  const { inputs } = await openDataset(source, reading(column("on", { type: "boolean" }), colour));
  assert.deepEqual([...inputs], [1, 0, 0, 1, 0, 1, 0, 0]);
});

test("quotes, a byte order mark, CRLF, blank lines, another delimiter and blanks around cells are read", async (t) => {
  const text = '\uFEFF"a";label\r\n 1 ; yes\r\n\r\n"2";"no"\r\n';
  const { inputs, targets } = await openDataset(csv(t, text, { delimiter: ";" }), reading(column("a")));
  assert.deepEqual([...inputs, ...labelsOf(targets)], [1, 2, 1, 0]);
});

test("characters that lie across the chunks of a file are read", async (t) => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `${index},\u20ac\n`);
  const source = csv(t, `a,label\n${rows.join("")}`);
  const table = { ...schema(column("a")), label: { name: "label", values: ["\u20ac"] } };
  assert.equal((await openDataset(source, classReading(1, table))).length, 20_000);
});

test("[DS2] a missing value is refused, skipped, filled in, or left for the mean", async (t) => {
  const source = csv(t, "a,label\n1,no\n,no\nNA,yes\n", { missing: ["", "NA"] });
  const values = async (missing: "error" | "skip-row" | "constant" | "mean"): Promise<number[]> => {
    const constant = missing === "constant" ? "-7" : "";
    return [...(await openDataset(source, reading(column("a", { missing, constant })))).inputs];
  };
  assert.deepEqual(await values("skip-row"), [1]);
  assert.deepEqual(await values("constant"), [1, -7, -7]);
  assert.deepEqual(await values("mean"), [1, Number.NaN, Number.NaN]);
  await assert.rejects(values("error"), { code: "corrupt", at: `${source.path}:3, column "a"` });
});

const refused: readonly [what: string, text: string | Uint8Array, at: string, message: RegExp][] = [
  ["a word", "a,label\n1,no\nmany,no\n", ':3, column "a"', /a cell is not a number/],
  ["a hexadecimal number", "a,label\n0x10,no\n", ':2, column "a"', /not a number/],
  ["infinity", "a,label\nInfinity,no\n", ':2, column "a"', /not a number/],
  ["more than float32 holds", "a,label\n1e39,no\n", ':2, column "a"', /not a number that float32 can hold/],
  ["a very long number", `a,label\n${"1".repeat(9_999)},no\n`, ':2, column "a"', /not a number/],
  [
    "another label",
    "a,label\n1,no\n1,perhaps\n",
    ':3, column "label"',
    /a cell is not one of the labels: no, yes/,
  ],
  ["no label", "a,label\n1,\n", ':2, column "label"', /there is no label/],
  ["too few cells", "a,label\n1,no\n1\n", ":3", /not valid CSV/],
  ["too many cells", "a,label\n1,no,2\n", ":2", /not valid CSV/],
  ["a quote that does not end", 'a,label\n"1,no\n', ":2", /not valid CSV/],
  ["a byte that is not UTF-8", Buffer.from("a,label\n1,no\n1,n\u00f6\n", "latin1"), ":3", /not UTF-8 text/],
  [
    "a character cut off by the end",
    Buffer.from([...Buffer.from("a,label\n1,no"), 0xc3]),
    ":2",
    /not UTF-8 text/,
  ],
  ["a character cut off by the line's end", Buffer.from("a\u00c3\n1\n", "latin1"), ":1", /not UTF-8 text/],
  ["UTF-16", Buffer.from("\uFEFFa,label\n1,no\n", "utf16le"), ":1", /not UTF-8 text/],
  ["a column twice", "a,a,label\n1,1,no\n", ':1, column "a"', /a column is there twice/],
  ["nothing", "", "", /the file is empty/],
  ["no rows", "a,label\n", "", /holds no examples/],
];

for (const [what, text, at, message] of refused) {
  test(`[DS3] ${what} is refused with file and line`, async (t) => {
    const source = csv(t, text);
    await assert.rejects(openDataset(source, reading(column("a"))), (error) => {
      assert.ok(error instanceof SelvedgeError, String(error));
      assert.equal(error.code, "corrupt");
      assert.ok(error.at?.startsWith(`${source.path}${at}`), error.at);
      assert.match(error.message, message);
      // The message may leave the device.
      assert.doesNotMatch(error.message, /many|0x10|Infinity|1e39|1111|perhaps/);
      return true;
    });
  });
}

test("a row longer than the limit is refused before it is held", async (t) => {
  const source = csv(t, `a,label\n${"x".repeat(2_000_000)},no\n`);
  await assert.rejects(openDataset(source, reading(column("a"))), { code: "too_large" });
});

test("a column that is not there, or not the owner's to give, is refused", async (t) => {
  const wanted = reading(column("b"));
  await assert.rejects(openDataset(csv(t, "a,label\n1,no\n"), wanted), { code: "failed_precondition" });
  const kept = csv(t, "a,b,label\n1,2,no\n", { columns: { a: "a", label: "label" } });
  await assert.rejects(openDataset(kept, wanted), { code: "failed_precondition" });
  const renamed = csv(t, "a,Label\n1,no\n", { columns: { b: "a", label: "Label" } });
  assert.deepEqual([...(await openDataset(renamed, wanted)).inputs], [1]);
});

test("a table without a plan's columns is refused", async (t) => {
  await assert.rejects(openDataset(csv(t, "a,label\n1,no\n"), classReading(2)), {
    code: "failed_precondition",
  });
});

test("the head of a file names its columns, as far as the owner gives them", async (t) => {
  const text = "a,b,label\nnonsense\n";
  assert.deepEqual(await describeDataset(csv(t, text)), { kind: "table", columns: ["a", "b", "label"] });
  const columns = { x: "a", y: "nowhere" };
  assert.deepEqual(await describeDataset(csv(t, text, { columns })), { kind: "table", columns: ["x"] });
});

test("many rows are read without holding their text", async (t) => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `${index},${index % 2 === 0 ? "no" : "yes"}`);
  const { inputs, length } = await openDataset(csv(t, `a,label\n${rows.join("\n")}`), reading(column("a")));
  assert.equal(length, 20_000);
  assert.equal(inputs.buffer.byteLength, 80_000);
  assert.equal(inputs.at(-1), 19_999);
});
