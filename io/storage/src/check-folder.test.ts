import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkFolder } from "./check-folder.ts";

test("a folder is checked without writing to it, and what is wrong is named", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-folder-"));
  t.after(() => rm(folder, { recursive: true }));
  await checkFolder(folder);
  const missing = join(folder, "missing");
  await assert.rejects(checkFolder(missing), { code: "not_found", at: missing });
});
