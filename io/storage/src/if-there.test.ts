import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ifThere, isThere } from "./if-there.ts";

test("what is not there is told from what cannot be read", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  const absent = join(folder, "absent");
  const loop = join(folder, "loop");
  writeFileSync(file, "text");
  symlinkSync(loop, loop);
  assert.equal(await ifThere(file, readFile(file, "utf8")), "text");
  assert.equal(await ifThere(absent, readFile(absent, "utf8")), undefined);
  await assert.rejects(ifThere(folder, readFile(folder)), { code: "failed_precondition", at: folder });
  assert.deepEqual([await isThere(file), await isThere(absent)], [true, false]);
  await assert.rejects(isThere(loop), /ELOOP/);
  await assert.rejects(isThere(join(file, "below")), { code: "failed_precondition" });
});
