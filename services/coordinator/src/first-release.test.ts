import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { JobState } from "@selvedge/protocol";
import { generateSigningKey, ReleaseRepository } from "@selvedge/registry";
import type { Store } from "@selvedge/storage";
import { postgresMissing, startPostgresServer } from "@selvedge/testkit";
import { pino } from "pino";
import { openDeviceRegistry } from "./identity/device-registry.ts";
import { createTokenStore } from "./identity/token-store.ts";
import { JobRecords } from "./jobs/job-records.ts";
import { openStore } from "./open-store.ts";

const firstRelease: string = readFileSync(new URL("first-release.fixture.sql", import.meta.url), "utf8");

test("[ST3] the records of version 0.1.0 in SQLite are brought forward", async (t) => {
  const folder = folderInUse(t);
  const database = new DatabaseSync(join(folder, "coordinator.db"));
  database.exec(firstRelease);
  database.close();
  // The second opening finds nothing left to do.
  for (const _ of [1, 2]) {
    const store = await openStore({ folder, log: silent, onLost: assert.fail });
    await checkRecords(store).finally(() => store.close());
  }
});

test("[ST3] the first schema of PostgreSQL is brought forward", { skip: postgresMissing }, async (t) => {
  await using server = await startPostgresServer();
  const storeUrl = await server.createDatabase();
  const name = new URL(storeUrl).pathname.slice(1);
  // Pinned: what the first version with PostgreSQL made.
  await server.administer(
    name,
    `SET ROLE selvedge; CREATE SCHEMA selvedge; SET search_path = selvedge;
     CREATE TABLE writer (single boolean PRIMARY KEY DEFAULT true CHECK (single), schema_version integer NOT NULL,
       owner text NOT NULL, commits bigint NOT NULL);
     INSERT INTO writer (schema_version, owner, commits) VALUES (1, 'b2c7', 41);
     CREATE TABLE records (key text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, value text NOT NULL);
     ${firstRelease.slice(firstRelease.indexOf("INSERT INTO records"))}`,
  );
  const store = await openStore({ folder: folderInUse(t), storeUrl, log: silent, onLost: assert.fail });
  await checkRecords(store).finally(() => store.close());
});

/** That each part of the coordinator reads what the first release wrote. */
async function checkRecords(store: Store): Promise<void> {
  const job = (await store.read("job/state/digits"))?.value as unknown as JobState;
  assert.equal(job.current?.phase, "evaluating");
  assert.deepEqual(job.current?.outcome?.optimizerState, job.optimizerState);
  const devices = await (await openDeviceRegistry(store)).list();
  assert.deepEqual(
    devices.map(({ name }) => name),
    ["device-3", "device-1", "device-2"],
  );
  assert.deepEqual(
    (await new JobRecords(store).rounds("digits")).map(({ number, status }) => [number, status]),
    [[1, "completed"]],
  );
  const tokens = createTokenStore({ store, rootPin: () => new Uint8Array(32), now: Date.now });
  assert.deepEqual(
    (await tokens.list()).map(({ id, used, revokedAtMs }) => [id, used, revokedAtMs]),
    [["37fcf7ba6cd7d669", 3, null]],
  );
  const releases = await ReleaseRepository.open({ store, onlineKey: generateSigningKey(), now: Date.now });
  assert.deepEqual(releases.releases(), []);
}

/** Looks like a folder that has had a start. */
function folderInUse(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(join(path, "keys"));
  writeFileSync(join(path, "keys", "root.key"), "a key");
  return path;
}

const silent = pino({ level: "silent" });
