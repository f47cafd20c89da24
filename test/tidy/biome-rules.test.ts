import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runChild } from "../../scripts/child.ts";
import { temporaryFolder } from "../../scripts/temporary-folder.ts";
import { root } from "../../scripts/testing/groups.ts";

// What the tidy rules leave to Biome; nursery rules may change or vanish with a new version of it.
const planted: readonly { rule: string; files: Readonly<Record<string, string>> }[] = [
  {
    rule: "noImportCycles",
    files: {
      "a.ts": 'import { b } from "./b.ts";\n\nexport const a = (): number => b();\n',
      "b.ts": 'import { a } from "./a.ts";\n\nexport const b = (): number => a();\n',
    },
  },
  {
    rule: "noFloatingPromises",
    files: {
      "a.ts": 'import { save } from "./save.ts";\n\nexport function f(): void {\n  save();\n}\n',
      "save.ts": "export function save(): Promise<void> {\n  return Promise.resolve();\n}\n",
    },
  },
  {
    rule: "noMisusedPromises",
    files: {
      "a.ts":
        'import { isOpen } from "./open.ts";\n\nexport function f(): number {\n  if (isOpen()) return 1;\n  return 2;\n}\n',
      "open.ts": "export function isOpen(): Promise<boolean> {\n  return Promise.resolve(true);\n}\n",
    },
  },
  { rule: "noExplicitAny", files: { "a.ts": "export const a = (b: any): unknown => b;\n" } },
  { rule: "noNonNullAssertion", files: { "a.ts": "export const a = (b?: string): string => b!;\n" } },
  {
    rule: "noFocusedTests",
    files: { "a.test.ts": 'import { test } from "node:test";\n\ntest.only("a", () => {});\n' },
  },
  {
    rule: "noExcessiveLinesPerFunction",
    files: { "a.ts": `export function f(): void {\n${"  console.log(1);\n".repeat(80)}}\n` },
  },
];

for (const { rule, files } of planted) {
  test(`Biome's configuration catches what ${rule} is for`, async () => {
    using folder = temporaryFolder("biome");
    await copyFile(join(root, "biome.json"), join(folder.path, "biome.json"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
    const biome = join(root, "node_modules/.bin/biome");
    const { code, output } = await runChild(biome, ["lint", "--colors=off"], {
      cwd: folder.path,
      timeoutMs: 60_000,
    });
    assert.match(output, new RegExp(`lint/\\w+/${rule}\\b`));
    assert.notEqual(code, 0);
  });
}
