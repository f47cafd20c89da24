import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError, ifThere, isThere, syncFolder, writeFileDurably } from "@selvedge/storage";
import packageJson from "../../package.json" with { type: "json" };
import { operatorFileName } from "../operators/operator-file.ts";
import { operatorKeyFolder } from "../operators/operator-key.ts";
import { releaseKeyFolder } from "../releases/release-signing.ts";
import { copyFile } from "./copy-file.ts";
import { type BackupFile, manifestFileName } from "./manifest.ts";
import { recordsFileName } from "./snapshot.ts";

export interface BackupOptions {
  /** The coordinator's folder. */
  readonly folder: string;
  /** What `writeSnapshot` made, relative to the folder. */
  readonly snapshot: string;
  /** The folder to make; nothing may be there. */
  readonly target: string;
  readonly now: () => number;
}

export interface Backup {
  readonly files: number;
  readonly bytes: number;
  /** Names of files that hold private keys or tokens. */
  readonly secrets: readonly string[];
}

/**
 * Makes a backup of a snapshot and of the coordinator's keys: a folder that is
 * there whole or not at all, for its owner alone.
 *
 * @throws SelvedgeError `already_exists`, `conflict` when keys were replaced meanwhile,
 *   `corrupt` when a blob is damaged, `resource_exhausted`, `permission_denied`
 */
export async function writeBackup({ folder, snapshot, target, now }: BackupOptions): Promise<Backup> {
  await refuseExisting(target);
  const partial = `${target}.partial-${randomUUID()}`;
  try {
    await mkdir(partial, { mode: 0o700 });
    const secrets = await secretsOf(folder);
    const files = await copyAll(join(folder, snapshot), await blobsOf(join(folder, snapshot)), partial);
    const keys = await copyAll(folder, secrets, partial);
    await checkUnchanged(folder, keys);
    const manifest = {
      format: 1,
      softwareVersion: packageJson.version,
      createdAt: new Date(now()).toISOString(),
      files: [...files, ...keys],
    };
    await writeFileDurably(join(partial, manifestFileName), `${JSON.stringify(manifest, null, 1)}\n`);
    await refuseExisting(target);
    await rename(partial, target);
    await syncFolder(dirname(target));
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    return { files: manifest.files.length, bytes, secrets };
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true });
    throw fileError(thrown, target);
  }
}

/** @throws SelvedgeError `already_exists` */
export async function refuseExisting(target: string): Promise<void> {
  if (!(await isThere(target))) return;
  throw new SelvedgeError("already_exists", "there is something already", {
    at: target,
    fix: "give a path where nothing is: nothing is ever overwritten",
  });
}

async function copyAll(from: string, paths: readonly string[], to: string): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  for (const path of paths) {
    const file = { path, ...(await copyFile(join(from, path), join(to, path))) };
    if (path.startsWith("blobs/") && !path.endsWith(file.sha256)) {
      throw new SelvedgeError("corrupt", "a blob is damaged: its bytes do not match its name", {
        at: join(from, path),
        fix: "check the disk; delete the blob from the coordinator's folder if no job needs it any more",
      });
    }
    files.push(file);
  }
  return files;
}

/** Keys are replaced one file after the other: those of two moments must not be mixed. */
async function checkUnchanged(folder: string, files: readonly BackupFile[]): Promise<void> {
  for (const { path, sha256 } of files) {
    const again = createHash("sha256").update(await readFile(join(folder, path)));
    if (again.digest("hex") === sha256) continue;
    throw new SelvedgeError("conflict", `${path} was replaced while it was copied`, {
      at: folder,
      fix: "run the backup again",
    });
  }
}

async function blobsOf(snapshot: string): Promise<string[]> {
  const paths = [recordsFileName];
  for (const entry of await filesIn(join(snapshot, "blobs"), true)) paths.push(`blobs/${entry}`);
  return paths;
}

/** Keys, and the token in `operator.json`. A key that was moved away is not there to back up. */
async function secretsOf(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of ["keys", operatorKeyFolder, releaseKeyFolder]) {
    for (const file of await filesIn(join(folder, name), false)) paths.push(`${name}/${file}`);
  }
  return (await isThere(join(folder, operatorFileName))) ? [...paths, operatorFileName] : paths;
}

async function filesIn(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await ifThere(folder, readdir(folder, { recursive, withFileTypes: true }));
  const isOurs = (name: string): boolean => !name.endsWith(".tmp");
  return (entries ?? [])
    .filter((entry) => entry.isFile() && isOurs(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
