import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { openFileBlobStore, openPostgresStore, openSqliteStore, type Store } from "@selvedge/storage";
import { postgresMissing, startPostgresServer } from "../fixtures/postgres-server.ts";
import { killAfterLines } from "./kill-after-lines.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const commitUntilKilled = new URL("./programs/commit-until-killed.ts", import.meta.url);
const uploadUntilKilled = new URL("./programs/upload-until-killed.ts", import.meta.url);

test("[ST1] after kill -9 the SQLite store has every acknowledged commit, and each one whole", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "state.db");
  await checkKills(path, () => openSqliteStore({ path }));
});

test("[ST1] after kill -9 the PostgreSQL store has them too", { skip: postgresMissing }, async () => {
  await using server = await startPostgresServer();
  const url = await server.createDatabase();
  await checkKills(url, () => openPostgresStore({ url }));
});

test("[BL2] after kill -9 an upload goes on at the offset that was acknowledged, or later", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "blobs");
  const file = join(folder.path, "file");
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) % 256);
  await writeFile(file, bytes);
  const reference = { digest: digestOf(bytes), length: bytes.length };
  let resumedFrom = 0;
  for (const lines of [3, 5]) {
    const printed = await killAfterLines(uploadUntilKilled, [root, file, "100"], lines);
    const blobs = await openFileBlobStore({ root });
    const offset = await blobs.uploadOffset(reference.digest);
    assert.ok(offset >= Number(printed.at(-1)) && offset > resumedFrom);
    assert.equal(await blobs.stat(reference.digest), undefined);
    resumedFrom = offset;
  }
  const blobs = await openFileBlobStore({ root });
  await blobs.append(reference, resumedFrom, bytes.subarray(resumedFrom));
  assert.deepEqual(await blobs.get(reference.digest), bytes);
});

async function checkKills(database: string, open: () => Promise<Store>): Promise<void> {
  for (const lines of [1, 40, 97]) {
    const acknowledged = new Map<string, number>();
    for (const line of await killAfterLines(commitUntilKilled, [database], lines)) {
      const [lane = "", version] = line.split(" ");
      acknowledged.set(lane, Number(version));
    }
    const store = await open();
    for (const [lane, version] of acknowledged) {
      const left = await store.read(`left/${lane}`);
      assert.ok(left !== undefined && left.version >= version, `lane ${lane}: ${left?.version} < ${version}`);
      assert.deepEqual(await store.read(`right/${lane}`), { ...left, key: `right/${lane}` });
    }
    await store.close();
  }
}
