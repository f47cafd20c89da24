import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuditEntry, SelvedgeError } from "@selvedge/protocol";
import { RefusalLog } from "./refusal-log.ts";

const entry = { actor: "address:192.0.2.1", action: "refused-login", subject: "x", detail: { code: "y" } };

test("[AU5] refusals are recorded sixty at once and one a minute, with how many were left out", async () => {
  const entries: AuditEntry[] = [];
  let nowMs = 0;
  const audit = { append: async (one: AuditEntry) => void entries.push(one) };
  const log = new RefusalLog(
    audit,
    () => nowMs,
    (thrown) => assert.ifError(thrown),
  );
  for (let index = 0; index < 1_000; index += 1) log.record(entry);
  assert.equal(entries.length, 60);
  assert.deepEqual(entries[0], entry);
  nowMs += 60_000;
  log.record(entry);
  log.record(entry);
  assert.equal(entries.length, 61);
  assert.deepEqual(entries.at(-1)?.detail, { code: "y", leftOut: 940 });
  nowMs += 60_000;
  log.record(entry);
  assert.deepEqual(entries.at(-1)?.detail, { code: "y", leftOut: 1 });
});

test("[AU5] a refusal that could not be written counts as left out", async () => {
  const entries: AuditEntry[] = [];
  const errors: unknown[] = [];
  let isFull = true;
  const audit = {
    append: async (one: AuditEntry) => {
      if (isFull) throw new SelvedgeError("resource_exhausted", "the disk is full");
      entries.push(one);
    },
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const log = new RefusalLog(
    audit,
    () => 0,
    (error) => resolve(void errors.push(error)),
  );
  log.record(entry);
  await promise;
  isFull = false;
  log.record(entry);
  assert.deepEqual([errors.length, entries[0]?.detail.leftOut], [1, 1]);
});
