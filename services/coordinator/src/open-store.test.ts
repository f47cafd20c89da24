import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { SelvedgeError } from "@selvedge/protocol";
import { openSqliteStore } from "@selvedge/storage";
import { pino } from "pino";
import { openStore } from "./open-store.ts";

test("[ST4] a folder in use opens with the records it had before, and with no others", async (t) => {
  const folder = temporaryFolder(t);
  await openAndClose(folder);
  makeKeys(folder);
  await openAndClose(folder);
  rmSync(join(folder, "coordinator.db"));
  await refused(openAndClose(folder), "failed_precondition", /not those of this folder/);
  // Nor do they fit once the wrong start has made empty ones.
  await refused(openAndClose(folder), "failed_precondition", /not those of this folder/);
});

test("[ST4] a folder from before it named its records is taken as it is, with its keys", async (t) => {
  const folder = temporaryFolder(t);
  await openAndClose(folder);
  rmSync(join(folder, "store.json"));
  await refused(openAndClose(folder), "failed_precondition", /another folder/);
  makeKeys(folder);
  await openAndClose(folder);
  await openAndClose(folder);
});

test("[ST4] a first start that broke off in between is gone on with", async (t) => {
  const folder = temporaryFolder(t);
  await openAndClose(folder);
  // The file was written, and the record not yet.
  rmSync(join(folder, "coordinator.db"));
  await openAndClose(folder);
  makeKeys(folder);
  await openAndClose(folder);
});

test("a damaged file that names the records is named itself", async (t) => {
  const folder = temporaryFolder(t);
  await openAndClose(folder);
  for (const text of ["", "{}", '{"id":1,"records":"x"}']) {
    writeFileSync(join(folder, "store.json"), text);
    await refused(openAndClose(folder), "corrupt", /which records/);
  }
});

test("[ST4] records are not bound anew because the file that names them cannot be read", async (t) => {
  const folder = temporaryFolder(t);
  await openAndClose(folder);
  makeKeys(folder);
  rmSync(join(folder, "coordinator.db"));
  rmSync(join(folder, "store.json"));
  mkdirSync(join(folder, "store.json"));
  await refused(openAndClose(folder), "failed_precondition", /it is a folder/);
  const records = await openSqliteStore({ path: join(folder, "coordinator.db") });
  t.after(() => records.close());
  assert.equal(await records.read("folder"), undefined);
});

async function openAndClose(folder: string): Promise<void> {
  const log = pino({ level: "silent" });
  const store = await openStore({ folder, log, onLost: (error) => assert.fail(error.message) });
  await store.close();
}

async function refused(call: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(call, (error: SelvedgeError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** As a start leaves them that came to its end, and a rotation of the root, which takes the first root's key away. */
function makeKeys(folder: string): void {
  mkdirSync(join(folder, "keys"));
  writeFileSync(join(folder, "keys", "root.crt"), "a certificate");
}
