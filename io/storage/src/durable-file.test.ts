import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeFileDurably } from "./durable-file.ts";

test("a durable write replaces the file whole, private by default, and leaves nothing else", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "key.pem");
  await writeFileDurably(path, "old, and longer");
  // As a crash in the middle of an earlier write would leave it.
  await writeFile(`${path}.tmp`, "half", { mode: 0o666 });
  await writeFileDurably(path, "new");
  assert.equal(await readFile(path, "utf8"), "new");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["key.pem"]);
});

test("a durable write into a folder that is not there says which", async () => {
  const path = join(tmpdir(), "selvedge-no-such-folder", "x");
  await assert.rejects(writeFileDurably(path, ""), { code: "not_found", at: path });
});
