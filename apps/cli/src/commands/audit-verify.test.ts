import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { emptyAuditHead, nextAuditLine } from "@selvedge/protocol";
import { type Outcome, selvedge } from "../terminal.fixture.ts";

test("[AU2] an export verifies whatever characters its records hold", async (t) => {
  const reason = "stolen\u2028or lost\u2029or sold\r\n";
  const entry = { actor: "operator:ada", action: "revoke-device", subject: "kitchen", detail: { reason } };
  const { line } = nextAuditLine(emptyAuditHead, entry, 0);
  const { code, stdout, stderr } = await verify(t, `${line}\n`);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^audit log {2}whole: 1 records\n/);
});

test("a line without end is refused before it fills the memory", async (t) => {
  const { code, stderr } = await verify(t, "x".repeat(1_100_000));
  assert.deepEqual([code, /longer than \d+ bytes[\s\S]*audit\.jsonl:1/.test(stderr)], [2, true]);
});

async function verify(t: TestContext, content: string): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "audit.jsonl"), content);
  return selvedge(["audit", "verify", "--file", "audit.jsonl"], { workingFolder: folder });
}
