import assert from "node:assert/strict";
import { test } from "node:test";
import { AuditVerifier, SelvedgeError } from "@selvedge/protocol";
import { openMemoryStore, type Store } from "@selvedge/storage";
import { AuditLog } from "./audit-log.ts";

const entry = { actor: "operator:ada", action: "revoke-device", subject: "kitchen", detail: {} };

async function verified(log: AuditLog): Promise<AuditVerifier> {
  const verifier = new AuditVerifier(await log.head());
  for (const { line } of await log.read(0, 1_000)) verifier.take(line);
  verifier.end();
  return verifier;
}

test("[AU1] records that come at once form one chain, which goes on after a restart", async () => {
  const store = openMemoryStore();
  const log = await AuditLog.open(store, () => 7);
  await Promise.all(Array.from({ length: 20 }, (_, index) => log.append({ ...entry, detail: { index } })));
  const again = await AuditLog.open(store, () => 8);
  await again.append(entry);
  assert.equal((await verified(again)).head.sequence, 21);
  const [, second] = await again.read(0, 2);
  assert.deepEqual(await again.read(1, 1), [second]);
});

test("[AU4] a record and what it tells of are in one commit, or neither is there", async () => {
  const store = openMemoryStore();
  const log = await AuditLog.open(store, () => 7);
  await log.append(entry, [{ key: "device/1", expectedVersion: 0, value: 1 }]);
  const again = log.append(entry, [{ key: "device/1", expectedVersion: 0, value: 2 }]);
  await assert.rejects(again, { code: "conflict" });
  assert.equal((await store.read("device/1"))?.value, 1);
  await log.append(entry);
  assert.equal((await verified(log)).head.sequence, 2);
});

test("[AU4] after a commit that failed, or of which the answer was lost, the log goes on rightly", async () => {
  const store = openMemoryStore();
  let failure: "before" | "after" | undefined;
  const failing: Store = {
    read: (key) => store.read(key),
    list: (prefix, options) => store.list(prefix, options),
    close: () => store.close(),
    async commit(transaction) {
      if (failure === "before") throw new SelvedgeError("resource_exhausted", "the disk is full");
      await store.commit(transaction);
      if (failure === "after") throw new SelvedgeError("unavailable", "the connection broke");
    },
  };
  const log = await AuditLog.open(failing, () => 7);
  await log.append(entry);
  failure = "before";
  await assert.rejects(log.append(entry), { code: "resource_exhausted" });
  failure = "after";
  await assert.rejects(log.append(entry), { code: "unavailable" });
  failure = undefined;
  await log.append(entry);
  assert.equal((await verified(log)).head.sequence, 3);
});

test("[AU2] a database that somebody wrote to is not written over", async () => {
  const store = openMemoryStore();
  const log = await AuditLog.open(store, () => 7);
  await log.append(entry);
  await store.commit({ writes: [{ key: "audit/0000000000000002", value: "{}" }] });
  await assert.rejects(log.append(entry), { code: "corrupt", message: /goes on after its end/ });
});
