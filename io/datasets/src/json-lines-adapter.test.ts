import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { JsonLinesSource } from "./dataset.ts";
import { describeDataset, openDataset } from "./open-dataset.ts";
import { column, labelsOf, reading, temporaryFile } from "./table.fixture.ts";

function jsonLines(t: TestContext, text: string | Uint8Array): JsonLinesSource {
  return { format: "jsonl", path: temporaryFile(t, "data.jsonl", text) };
}

test("[DS1] objects become examples: text, numbers and booleans alike", async (t) => {
  const source = jsonLines(t, '{"a":1.5,"on":true,"label":"yes"}\r\n\n{"label":"no","on":"0","a":"2"}');
  const { inputs, targets } = await openDataset(
    source,
    reading(column("a"), column("on", { type: "boolean" })),
  );
  assert.deepEqual([...inputs, ...labelsOf(targets)], [1.5, 1, 2, 0, 1, 0]);
});

test("[DS2] null and an absent key are missing values", async (t) => {
  const source = jsonLines(t, '{"a":null,"label":"no"}\n{"label":"no"}\n{"a":3,"label":"no"}\n');
  const { inputs } = await openDataset(source, reading(column("a", { missing: "skip-row" })));
  assert.deepEqual([...inputs], [3]);
  await assert.rejects(openDataset(source, reading(column("a"))), { at: `${source.path}:1, column "a"` });
});

const refused: readonly [what: string, text: string | Uint8Array, at: string][] = [
  ["broken JSON", '{"a":1,"label":"no"}\n{"a":', ":2"],
  ["a list", "[1]\n", ":1"],
  ["an object in a cell", '{"a":{},"label":"no"}\n', ':1, column "a"'],
  ["what an object inherits", '{"label":"no"}\n', ':1, column "toString"'],
  ["deep nesting", `${"[".repeat(500_000)}\n`, ":1"],
  ["bytes that are not UTF-8", Uint8Array.of(0xff, 0xfe, 0x0a), ":1"],
];

for (const [what, text, at] of refused) {
  test(`[DS3] ${what} is refused with file and line`, async (t) => {
    const source = jsonLines(t, text);
    const name = what.startsWith("what an object") ? "toString" : "a";
    await assert.rejects(openDataset(source, reading(column(name))), (error) => {
      assert.ok(error instanceof SelvedgeError, String(error));
      assert.equal(error.code, "corrupt");
      assert.equal(error.at, `${source.path}${at}`);
      return true;
    });
  });
}

test("a line longer than the limit is refused before it is held", async (t) => {
  const source = jsonLines(t, `{"a":"${"x".repeat(3_000_000)}"}`);
  await assert.rejects(openDataset(source, reading(column("a"))), {
    code: "too_large",
    at: `${source.path}:1`,
  });
});

test("the head of a file says that it is a table", async (t) => {
  assert.deepEqual(await describeDataset(jsonLines(t, '{"a":1}\nbroken')), { kind: "table", columns: null });
  await assert.rejects(describeDataset(jsonLines(t, "")), { code: "corrupt" });
});
