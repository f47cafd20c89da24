import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openKeyFolder } from "./key-folder.ts";

test("a key folder that cannot be used says which file and what to do", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(path, { recursive: true }));
  await writeFile(join(path, "file"), "");
  await assert.rejects(openKeyFolder(join(path, "file", "keys")), {
    code: "failed_precondition",
    fix: /folder/,
  });
  const folder = await openKeyFolder(join(path, "keys"));
  await mkdir(join(folder.path, "root.key"));
  await assert.rejects(folder.read("root.key"), {
    code: "failed_precondition",
    at: join(folder.path, "root.key"),
  });
  await folder.remove("none.key");
});
