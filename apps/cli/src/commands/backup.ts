import { access, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Backup, openStore, refuseExisting, writeBackup, writeSnapshot } from "@selvedge/coordinator";
import { SelvedgeError } from "@selvedge/protocol";
import { openFileBlobStore } from "@selvedge/storage";
import { coordinatorFolder, storeUrl } from "../folders.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { createLog } from "../output/log.ts";
import { formatBytes } from "../output/units.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface BackupCommandOptions extends GlobalOptions {
  readonly state?: string;
  readonly store?: string;
}

/** Copies a coordinator on this machine: asks it for a snapshot when it runs, else makes one. */
export async function run(terminal: Terminal, options: BackupCommandOptions, to: string): Promise<void> {
  const folder = coordinatorFolder(terminal, options.state);
  const target = resolve(terminal.workingFolder, to);
  await refuseExisting(target);
  const snapshot =
    (await snapshotOfRunning(terminal, options)) ?? (await snapshotOfStopped(terminal, options));
  try {
    report(terminal, options, target, await writeBackup({ folder, snapshot, target, now: terminal.now }));
  } finally {
    await rm(join(folder, snapshot), { recursive: true, force: true });
  }
}

/** @returns undefined when no coordinator runs. */
async function snapshotOfRunning(
  terminal: Terminal,
  options: BackupCommandOptions,
): Promise<string | undefined> {
  try {
    // Not where this user may be logged in: the copy is made of this folder.
    const operator = join(coordinatorFolder(terminal, options.state), "operator.json");
    const created = await withOperator(terminal, { operator }, ({ backup }) =>
      backup.createSnapshot({}, { signal: terminal.interrupted, timeoutMs: snapshotTimeoutMs }),
    );
    return created.folder;
  } catch (thrown) {
    if (SelvedgeError.from(thrown).code === "unavailable") return undefined;
    throw thrown;
  }
}

/** The store's lock keeps a coordinator from starting meanwhile, and one that runs unseen from being copied torn. */
async function snapshotOfStopped(terminal: Terminal, options: BackupCommandOptions): Promise<string> {
  const folder = coordinatorFolder(terminal, options.state);
  const url = storeUrl(terminal, options.store);
  if (url === undefined) await access(join(folder, "coordinator.db")).catch(() => notThere(folder));
  const log = createLog(terminal, { ...options, logLevel: "warn" });
  const given = url === undefined ? {} : { storeUrl: url };
  const store = await openStore({ folder, ...given, log, onLost: () => {} });
  try {
    return await writeSnapshot(folder, store, await openFileBlobStore({ root: folder }));
  } finally {
    await store.close();
  }
}

function notThere(folder: string): never {
  throw new SelvedgeError("not_found", "no coordinator runs, and none kept its records here", {
    at: folder,
    fix: "give its folder with --state DIR, and its database with --store or $SELVEDGE_STORE",
  });
}

function report(terminal: Terminal, options: BackupCommandOptions, target: string, backup: Backup): void {
  const { files, bytes, secrets } = backup;
  if (options.json) {
    writeJson(terminal.stdout, { backup: target, files, bytes, secrets });
    return;
  }
  terminal.stdout.write(`${target}\n`);
  terminal.stderr.write(
    `${files} files, ${formatBytes(bytes)}. It holds ${secrets.length} files with private keys and tokens: ` +
      "whoever reads it can take the fleet over.\n",
  );
}

const snapshotTimeoutMs = 3_600_000;
