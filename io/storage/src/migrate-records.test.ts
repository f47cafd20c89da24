import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelvedgeError } from "@selvedge/protocol";
import { openMemoryStore } from "./memory-store.ts";
import { migrateRecords, type RecordMigration } from "./migrate-records.ts";
import type { Json, Store, Transaction } from "./store.ts";

const migrations: readonly RecordMigration[] = [
  { prefix: "device/", migrate: (value) => ({ ...(value as { name: string }), tags: [] }) },
  { prefix: "cache/", migrate: () => undefined },
  { prefix: "device/", migrate: (value) => ({ ...(value as { name: string }), group: "all" }) },
];

test("[ST3] records are brought from the form they have to the newest, once and in one transaction", async () => {
  const store = openMemoryStore();
  const commits = spy(store);
  await put(store, { "device/a": { name: "a" }, "device/b": { name: "b" }, "cache/x": 1, other: 2 });
  commits.length = 0;
  await migrateRecords(store, "here", migrations.slice(0, 2));
  assert.deepEqual(await all(store), {
    "device/a": { name: "a", tags: [] },
    "device/b": { name: "b", tags: [] },
    other: 2,
    "record-format": 3,
  });
  await migrateRecords(store, "here", migrations);
  await migrateRecords(store, "here", migrations);
  assert.equal(commits.length, 2);
  assert.deepEqual((await store.read("device/a"))?.value, { name: "a", tags: [], group: "all" });
});

test("[ST3] records of a newer form are refused and left as they are", async () => {
  const store = openMemoryStore();
  await put(store, { "record-format": 9, "device/a": { name: "a" } });
  await assert.rejects(migrateRecords(store, "here", migrations), (error: SelvedgeError) => {
    assert.deepEqual([error.code, error.at], ["unsupported", "here"]);
    assert.match(error.message, /form 9, newer than 4/);
    return true;
  });
  assert.equal((await store.read("device/a"))?.version, 1);
});

test("a form that is no number is damage", async () => {
  for (const form of ["2", 0, 1.5, null]) {
    const store = openMemoryStore();
    await put(store, { "record-format": form });
    await assert.rejects(migrateRecords(store, "here", migrations), { code: "corrupt" });
  }
});

test("a migration that fails changes nothing", async () => {
  const store = openMemoryStore();
  await put(store, { "device/a": { name: "a" }, "device/b": null });
  const failing: RecordMigration = {
    prefix: "device/",
    migrate: (value) =>
      value === null ? assert.fail("no device") : { ...(value as { name: string }), x: 1 },
  };
  await assert.rejects(migrateRecords(store, "here", [failing]), /no device/);
  assert.deepEqual(await all(store), { "device/a": { name: "a" }, "device/b": null });
});

async function put(store: Store, records: Readonly<Record<string, Json>>): Promise<void> {
  await store.commit({ writes: Object.entries(records).map(([key, value]) => ({ key, value })) });
}

async function all(store: Store): Promise<Record<string, Json>> {
  return Object.fromEntries((await store.list("")).map(({ key, value }) => [key, value]));
}

function spy(store: Store): Transaction[] {
  const commits: Transaction[] = [];
  const commit = store.commit.bind(store);
  store.commit = (transaction) => {
    commits.push(transaction);
    return commit(transaction);
  };
  return commits;
}
