import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type BlobReference, SelvedgeError } from "@selvedge/protocol";
import { readAll, type StoredRecord } from "@selvedge/storage";
import { postgresMissing, startPostgresServer } from "@selvedge/testkit";
import { pino } from "pino";
import { openFleet } from "../fleet.ts";
import { openStore } from "../open-store.ts";
import { type BackupManifest, readManifest } from "./manifest.ts";
import { type RestoreOptions, restoreBackup } from "./restore-backup.ts";
import { blobFileName, removeOldSnapshots, writeSnapshot } from "./snapshot.ts";
import { type Backup, writeBackup } from "./write-backup.ts";

const now = Date.parse("2026-11-24T12:00:00Z");
const log = pino({ level: "silent" });

suite("a backup", () => {
  let root = "";
  let blob: BlobReference;
  let made: Backup;
  let original: StoredRecord[];
  const at = (...names: string[]): string => join(root, ...names);

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "selvedge-test-"));
    const folder = at("hub");
    const store = await openStore({ folder, log, onLost: assert.fail });
    const fleet = await openFleet(store, {
      folder,
      trustDomain: "backup.test",
      hosts: ["127.0.0.1"],
      now: () => now,
    });
    blob = await fleet.blobs.put(Buffer.from("weights"));
    await store.commit({ writes: [{ key: "odd", value: "one\u2028line\u2029 and another\r\n" }] });
    await store.commit({ writes: [{ key: "odd", value: "one\u2028line\u2029 and more\r\n" }] });
    const snapshot = await writeSnapshot(folder, store, fleet.blobs);
    original = await recordsOf(store.snapshot());
    made = await writeBackup({ folder, snapshot, target: at("backup"), now: () => now });
    await store.close();
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const restore = (options: Partial<RestoreOptions> = {}): Promise<BackupManifest> =>
    restoreBackup({
      backup: at("backup"),
      folder: at("restored"),
      forgetReleases: false,
      now: () => now,
      log,
      ...options,
    });

  test("[ST6] has the SHA-256 of each of its files, and is for its owner alone", async () => {
    const { files } = await readManifest(at("backup"));
    assert.equal(made.files, files.length);
    for (const { path, bytes, sha256 } of files) {
      const content = readFileSync(at("backup", path));
      assert.deepEqual(
        [content.length, createHash("sha256").update(content).digest("hex")],
        [bytes, sha256],
        path,
      );
      assert.equal(statSync(at("backup", path)).mode & 0o777, 0o600, path);
    }
    assert.equal(statSync(at("backup")).mode & 0o777, 0o700);
    const paths = files.map(({ path }) => path);
    for (const secret of [
      "keys/root.key",
      "keys/online.key",
      "operator/operator.key",
      "release-keys/release.key",
    ]) {
      assert.ok(paths.includes(secret) && made.secrets.includes(secret), secret);
    }
    assert.ok(paths.includes(blobFileName(blob.digest)));
    assert.deepEqual(readdirSync(root).sort(), ["backup", "hub"]);
  });

  test("[ST6] brings back records with their versions, keys and blobs, in SQLite", async (t) => {
    t.after(() => rmSync(at("restored"), { recursive: true, force: true }));
    await restore();
    await checkRestored(undefined);
  });

  test("[ST6] brings them back in PostgreSQL", { skip: postgresMissing }, async (t) => {
    await using server = await startPostgresServer();
    t.after(() => rmSync(at("restored"), { recursive: true, force: true }));
    const storeUrl = await server.createDatabase();
    await restore({ storeUrl });
    await checkRestored(storeUrl);
    await refused(restore({ storeUrl, folder: at("again") }), "already_exists", /records already/);
    assert.deepEqual(readdirSync(root).sort(), ["backup", "hub", "restored"]);
  });

  async function checkRestored(storeUrl: string | undefined): Promise<void> {
    const folder = at("restored");
    const given = storeUrl === undefined ? {} : { storeUrl };
    const store = await openStore({ folder, ...given, log, onLost: assert.fail });
    try {
      // Another database than the one that was copied, with newer release metadata; else the same.
      const changed = /^(folder|epoch|record-format|release-metadata\/|audit)/;
      const same = (records: readonly StoredRecord[]): StoredRecord[] =>
        records.filter(({ key }) => !changed.test(key));
      assert.deepEqual(same(await recordsOf(store.snapshot())), same(original));
      const epochBefore = original.find(({ key }) => key === "epoch")?.value;
      const fleet = await openFleet(store, {
        folder,
        trustDomain: "backup.test",
        hosts: ["127.0.0.1"],
        now: () => now,
      });
      assert.notEqual(fleet.epoch, epochBefore);
      const lines = await recordsOf(readAll(store, "audit/"));
      assert.match(String(lines.at(-1)?.value), /"action":"restore".*"createdAt":"2026-11-24T12:00:00.000Z"/);
      assert.equal(fleet.signing.repository.timestampVersion(), now / 1000);
      assert.equal(Buffer.from(await fleet.blobs.get(blob.digest)).toString(), "weights");
      await fleet.signing.repository.skipAhead();
      assert.equal(fleet.signing.repository.timestampVersion(), now / 1000 + 1);
    } finally {
      await store.close();
    }
  }

  test("[ST6] with one damaged file is refused, and leaves nothing behind", async (t) => {
    const { files } = await readManifest(at("backup"));
    t.after(() => rmSync(at("damaged"), { recursive: true, force: true }));
    for (const { path } of files) {
      cpSync(at("backup"), at("damaged"), { recursive: true });
      appendFileSync(at("damaged", path), "x");
      await refused(restore({ backup: at("damaged") }), "corrupt", /damaged/, at("damaged", path));
      rmSync(at("damaged"), { recursive: true });
    }
    assert.deepEqual(readdirSync(root).sort(), ["backup", "hub"]);
  });

  test("whose manifest names other places, or is damaged, is refused", async (t) => {
    t.after(() => rmSync(at("forged"), { recursive: true, force: true }));
    cpSync(at("backup"), at("forged"), { recursive: true });
    const manifest = JSON.parse(readFileSync(at("backup", "manifest.json"), "utf8"));
    const [file] = manifest.files;
    const forgeries: [unknown, string][] = [
      [{ ...manifest, format: 2 }, "unsupported"],
      [{ ...manifest, files: {} }, "corrupt"],
      [{ ...manifest, files: [file, file] }, "corrupt"],
      ["no manifest", "corrupt"],
      ...["../escaped", "/etc/passwd", "keys/../../escaped", "keys/a/b", "coordinator.db", "store.json"].map(
        (path): [unknown, string] => [{ ...manifest, files: [{ ...file, path }] }, "corrupt"],
      ),
    ];
    for (const [forged, code] of forgeries) {
      writeFileSync(at("forged", "manifest.json"), JSON.stringify(forged));
      await refused(restore({ backup: at("forged") }), code, /./);
    }
    writeFileSync(at("forged", "manifest.json"), "{");
    await refused(restore({ backup: at("forged") }), "corrupt", /not a manifest/);
    rmSync(at("forged", "manifest.json"));
    await refused(restore({ backup: at("forged") }), "not_found", /./);
  });

  test("[ST6] is not made of a damaged blob, nor without keys that cannot be read, nor over anything", async () => {
    const folder = at("hub");
    const store = await openStore({ folder, log, onLost: assert.fail });
    const { blobs } = await openFleet(store, {
      folder,
      trustDomain: "backup.test",
      hosts: ["127.0.0.1"],
      now: () => now,
    });
    const snapshot = await writeSnapshot(folder, store, blobs);
    await store.close();
    const again = { folder, snapshot, now: () => now };
    await refused(writeBackup({ ...again, target: at("backup") }), "already_exists", /already/);
    renameSync(join(folder, "release-keys"), join(folder, "kept"));
    symlinkSync("release-keys", join(folder, "release-keys"));
    await refused(writeBackup({ ...again, target: at("other") }), "internal", /ELOOP/);
    rmSync(join(folder, "release-keys"));
    renameSync(join(folder, "kept"), join(folder, "release-keys"));
    writeFileSync(join(folder, blobFileName(blob.digest)), "waits..");
    await refused(writeBackup({ ...again, target: at("other") }), "corrupt", /bytes do not match/);
    assert.deepEqual(readdirSync(root).sort(), ["backup", "hub"]);
  });
});

test("a snapshot that nobody took for a day goes, and a newer one stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  try {
    await removeOldSnapshots(folder, now);
    for (const [name, hours] of [
      ["old", 25],
      ["older", 48],
      ["new", 23],
    ] as const) {
      mkdirSync(join(folder, "snapshots", name, "blobs"), { recursive: true });
      utimesSync(join(folder, "snapshots", name), now / 1_000, now / 1_000 - hours * 3_600);
    }
    // Others remove theirs meanwhile.
    await Promise.all([removeOldSnapshots(folder, now), removeOldSnapshots(folder, now)]);
    assert.deepEqual(readdirSync(join(folder, "snapshots")), ["new"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function recordsOf(snapshot: AsyncIterable<StoredRecord>): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const record of snapshot) records.push(record);
  return records;
}

async function refused(call: Promise<unknown>, code: string, message: RegExp, at?: string): Promise<void> {
  await assert.rejects(call, (thrown: unknown) => {
    const error = SelvedgeError.from(thrown);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (at !== undefined) assert.equal(error.at, at);
    return true;
  });
}
