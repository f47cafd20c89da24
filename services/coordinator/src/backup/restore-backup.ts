import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { SelvedgeError } from "@selvedge/protocol";
import {
  generateSigningKey,
  ReleaseRepository,
  readKeyFile,
  renewTargets,
  signNextRoot,
  writeKeyFile,
} from "@selvedge/registry";
import {
  epochKey,
  fileError,
  ifThere,
  type Json,
  type SnapshotStore,
  type StoredRecord,
  syncFolder,
} from "@selvedge/storage";
import type { Logger } from "pino";
import { AuditLog } from "../audit/audit-log.ts";
import { bindingKey, openRecords, recordsName, writeBinding } from "../open-store.ts";
import { releaseKeyFolder } from "../releases/release-signing.ts";
import { copyFile } from "./copy-file.ts";
import { type BackupManifest, readManifest } from "./manifest.ts";
import { recordsFileName } from "./snapshot.ts";

export interface RestoreOptions {
  /** What `writeBackup` made. */
  readonly backup: string;
  /** The coordinator's folder to make; it must be absent or empty. */
  readonly folder: string;
  /** `postgres://…`: an empty database for the records, instead of SQLite in the folder. */
  readonly storeUrl?: string;
  /** Releases were made after the backup: devices are to forget them, under a new release key. */
  readonly forgetReleases: boolean;
  readonly now: () => number;
  readonly log: Logger;
}

/**
 * Makes a coordinator's folder from a backup, every file of it verified; it is
 * there whole or not at all. The restored coordinator is behind its devices, so
 * it gets a new epoch and release metadata with versions no device has seen
 * (SPEC ST6, ST7).
 *
 * @throws SelvedgeError `corrupt`, `unsupported`, `already_exists`, `not_found`,
 *   `failed_precondition`, `resource_exhausted`, and what opening the records throws
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupManifest> {
  const { backup, folder } = options;
  const manifest = await readManifest(backup);
  await refuseFilled(folder);
  const partial = `${folder}.partial-${randomUUID()}`;
  try {
    await mkdir(partial, { recursive: true, mode: 0o700 });
    for (const file of manifest.files) {
      const copied = await copyFile(join(backup, file.path), join(partial, file.path));
      if (copied.sha256 !== file.sha256 || copied.bytes !== file.bytes)
        throw damaged(join(backup, file.path));
    }
    await restoreRecords(partial, manifest, options);
    await rm(join(partial, recordsFileName));
    await rmdir(folder).catch(() => {});
    await rename(partial, folder);
    await syncFolder(dirname(folder));
    return manifest;
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true });
    throw fileError(thrown, folder);
  }
}

async function restoreRecords(
  partial: string,
  { createdAt }: BackupManifest,
  options: RestoreOptions,
): Promise<void> {
  const { folder, forgetReleases, now, storeUrl } = options;
  const onLost = (): void => {};
  const store = await openRecords({ ...options, folder: partial, onLost });
  try {
    const id = randomUUID();
    await store.load(recordsOf(join(partial, recordsFileName), id));
    await renewReleases(store, partial, options);
    const audit = await AuditLog.open(store, now);
    const detail = { createdAt, forgetReleases };
    await audit.append({ actor: "coordinator", action: "restore", subject: folder, detail });
    await writeBinding(partial, { id, records: recordsName(folder, storeUrl) });
  } finally {
    await store.close();
  }
}

/** As they were, but for what makes this another database than the one that was backed up. */
async function* recordsOf(path: string, id: string): AsyncIterable<StoredRecord> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: 0 })) {
    const [key, version, value] = parseLine(line, path);
    if (key === bindingKey || key === epochKey) continue;
    yield { key, version, value };
  }
  yield { key: bindingKey, version: 1, value: id };
}

function parseLine(line: string, path: string): [string, number, Json] {
  try {
    const parts: unknown = JSON.parse(line);
    if (Array.isArray(parts) && typeof parts[0] === "string" && Number.isSafeInteger(parts[1])) {
      return parts as [string, number, Json];
    }
  } catch {
    // Said below.
  }
  throw damaged(path);
}

async function renewReleases(
  store: SnapshotStore,
  folder: string,
  { forgetReleases, now }: RestoreOptions,
): Promise<void> {
  const onlineKey = await readKeyFile(join(folder, "keys", "online.key"));
  const repository = await ReleaseRepository.open({ store, onlineKey, now });
  if (!forgetReleases) {
    await repository.skipAhead();
    return;
  }
  const path = join(folder, releaseKeyFolder, "release.key");
  const root = await readKeyFile(join(folder, releaseKeyFolder, "root.key"));
  const oldKey = await readKeyFile(path);
  const release = generateSigningKey();
  await repository.skipAhead({
    root: signNextRoot(repository.currentRoot(), root, { root, release, online: onlineKey }, now()),
    targets: renewTargets(repository.currentTargets(), oldKey, release, now()),
  });
  await rm(path);
  await writeKeyFile(path, release);
}

async function refuseFilled(folder: string): Promise<void> {
  const names = await ifThere(folder, readdir(folder));
  if (names === undefined || names.length === 0) return;
  throw new SelvedgeError("already_exists", "the folder is not empty", {
    at: folder,
    fix: "give a folder of its own: nothing is ever overwritten",
  });
}

function damaged(at: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the backup is damaged: a file is not what its manifest says", {
    at,
    fix: "restore another backup",
  });
}
