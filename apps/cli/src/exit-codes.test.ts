import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { culprits } from "@selvedge/protocol";
import { exitCodeMeanings, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { selvedge } from "./terminal.fixture.ts";

const page = (name: string): string =>
  readFileSync(join(import.meta.dirname, "../../../docs/reference", name), "utf8");

test("docs/reference/errors.md lists every error code with its culprit and exit code", () => {
  const rows = [...page("errors.md").matchAll(/^\| `(\w+)` \| (\w+) \| (\d+) \|/gm)].map((row) =>
    row.slice(1),
  );
  const expected = Object.entries(culprits).map(([code, culprit]) => [
    code,
    culprit,
    String(exitCodeOf[code as keyof typeof exitCodeOf]),
  ]);
  assert.deepEqual(rows, expected);
});

test("docs/reference/cli.md lists every exit code as the command does", async () => {
  const rows = [...page("cli.md").matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [
    Number(code),
    meaning,
  ]);
  assert.deepEqual(rows, exitCodeMeanings);
  const expected = exitCodeMeanings
    .map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}\n`)
    .join("");
  assert.deepEqual(await selvedge(["help", "exit-codes"]), { code: 0, stdout: expected, stderr: "" });
  assert.deepEqual(
    exitCodeMeanings.map(([code]) => code),
    Object.values(exitCodes),
  );
});
