import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type DeviceState, stepDevice } from "@selvedge/protocol";
import { migrateRecords, openSqliteStore } from "@selvedge/storage";
import { recordMigrations } from "./record-migrations.ts";
import { InstalledModels } from "./releases/installed-models.ts";
import { blobsOf } from "./tasks/blobs-of.ts";

const firstRelease: string = readFileSync(new URL("first-release.fixture.sql", import.meta.url), "utf8");

test("[ST3] a device's records of version 0.1.0 are brought forward: what waits in its outbox is sent", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "agent.db");
  const database = new DatabaseSync(path);
  database.exec(firstRelease);
  database.close();
  const store = await openSqliteStore({ path });
  t.after(() => store.close());
  await migrateRecords(store, path, recordMigrations);
  const state = (await store.read("task/state/device"))?.value as unknown as DeviceState;
  assert.deepEqual(
    state.tasks.map(({ offer, phase }) => [offer.job, offer.round, phase]),
    [["digits", 2, "trained"]],
  );
  assert.equal(new Set(blobsOf(state)).size, 3);
  const { effects } = stepDevice(state, { type: "connected", coordinator: "epoch" });
  assert.deepEqual(
    effects.map(({ type }) => type),
    ["submit"],
  );
  assert.deepEqual((await InstalledModels.open(store)).all(), []);
});
