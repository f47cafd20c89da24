import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { z } from "zod";
import { readYamlFile } from "./read-yaml-file.ts";
import { YamlFile } from "./yaml-file.ts";

const schema = z.strictObject({
  datasets: z
    .record(
      z.string(),
      z.discriminatedUnion("format", [
        z.strictObject({ format: z.literal("idx"), images: z.string() }),
        z.strictObject({
          format: z.literal("csv"),
          file: z.string(),
          header: z.enum(["yes", "no"]).optional(),
        }),
      ]),
    )
    .default({}),
  inference: z.strictObject({ port: z.int().default(8080) }).default({ port: 8080 }),
});

test("a file that says nothing has the defaults", () => {
  for (const text of ["", "# nothing yet\n", "{}\n"]) {
    assert.deepEqual(YamlFile.parse(text, "a.yaml").check(schema), {
      datasets: {},
      inference: { port: 8080 },
    });
  }
});

test("an unknown key is named with its line and the key that was meant, at any depth", () => {
  refuses("datasets: {}\ninference:\n  prot: 1\n", /unknown key "inference.prot"/, "a.yaml:3", /"port"/);
  refuses("infrence: {}\n", /unknown key "infrence"/, "a.yaml:1", /"inference"/);
});

test("a wrong value is named with its field and line", () => {
  refuses("inference:\n  port: many\n", /inference.port/, "a.yaml:2");
});

test("a word that is not among those there are is named with the one that was meant, and all", () => {
  const csv = (rest: string): string => `datasets:\n  a:\n    ${rest}\n`;
  const formats = /^there are: idx, csv$/;
  refuses(
    csv("format: CSV"),
    /^datasets.a.format: there is no "CSV"$/,
    "a.yaml:3",
    /^did you mean "csv"\? there/,
  );
  refuses(csv("format: parquet"), /^datasets.a.format: there is no "parquet"$/, "a.yaml:3", formats);
  refuses(csv("file: b.csv"), /^datasets.a.format is missing$/, "a.yaml:2", formats);
  refuses(csv("{ format: csv, file: b, header: yess }"), /there is no "yess"$/, "a.yaml:3", /"yes"/);
});

test("a key of another kind is unknown, and only those of this kind are offered", () => {
  const text = "datasets:\n  a: { format: idx, file: b.csv }\n";
  refuses(text, /^unknown key "datasets.a.file"$/, "a.yaml:2", /^there are: format, images$/);
});

test("one value where keys belong is refused with the keys", () => {
  refuses("inference: 8080\n", /^inference: takes keys and values, not one value$/, "a.yaml:1", /: port$/);
});

test("broken YAML, repeated keys and aliases that grow or lead nowhere are refused, not thrown as they come", () => {
  const bomb = `a: &a [${"x,".repeat(9)}x]\nb: &b [${"*a,".repeat(9)}*a]\nc: [${"*b,".repeat(9)}*b]\n`;
  const deep = `a: ${"b: ".repeat(10_000)}`;
  for (const text of [
    deep,
    "[".repeat(20_000),
    "a: [",
    "a: 1\na: 2\n",
    "a: *nowhere\n",
    "- list\n",
    "text\n",
    bomb,
  ]) {
    refuses(text, /./, undefined);
  }
});

test("a file that is missing or too large is refused with its path", async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-config-"));
  t.after(() => rm(folder, { recursive: true }));
  const missing = join(folder, "missing.yaml");
  await assert.rejects(readYamlFile(missing, schema), { code: "not_found", at: missing });
  const large = join(folder, "large.yaml");
  await writeFile(large, `# ${"x".repeat(1_048_576)}\n`);
  for (const path of [large, "/dev/zero"]) {
    await assert.rejects(readYamlFile(path, schema), { code: "too_large", at: path });
  }
});

function refuses(text: string, message: RegExp, at: string | undefined, fix?: RegExp): void {
  assert.throws(
    () => YamlFile.parse(text, "a.yaml").check(schema),
    (error: unknown) => {
      assert.ok(error instanceof SelvedgeError, String(error));
      assert.equal(error.code, "invalid_argument");
      assert.match(error.message, message);
      if (at !== undefined) assert.equal(error.at, at);
      if (fix !== undefined) assert.match(error.fix ?? "", fix);
      return true;
    },
  );
}
