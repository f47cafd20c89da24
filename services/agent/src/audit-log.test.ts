import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AuditEntry, AuditLog } from "./audit-log.ts";

const entry: AuditEntry = {
  time: "2030-01-01T00:00:00.000Z",
  kind: "update",
  job: "digits",
  round: 1,
  planDigest: "sha256:00",
  signer: "ed25519:00",
  digest: "sha256:01",
  bytes: 10,
  examples: 5,
  metrics: {},
};

test("[SU8] what is recorded after a line that a crash cut short is a line of its own", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "audit.log");
  const appendTo = async (round: number): Promise<void> => {
    const log = await AuditLog.open(path);
    await log.append({ ...entry, round });
    await log.close();
  };
  await appendTo(1);
  await appendTo(2);
  appendFileSync(path, '{"time":"2030');
  await appendTo(3);
  const [first = "", second = "", torn, third = "", ...rest] = readFileSync(path, "utf8").split("\n");
  assert.deepEqual(
    [first, second, third].map((line) => JSON.parse(line).round),
    [1, 2, 3],
  );
  assert.deepEqual([torn, rest], ['{"time":"2030', [""]]);
});
