import { accessSync, closeSync, constants, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SelvedgeError } from "@selvedge/protocol";
import { errnoOf, fileError } from "./file-error.ts";
import { sqliteError } from "./sqlite-error.ts";

export interface DatabaseOptions {
  /** Database file; its folder must exist. */
  readonly path: string;
  /** Upper bound on the database file, bytes; default none. */
  readonly bytesMax?: number;
  /** How long to wait for another process to let go of it, ms; default 1,000. Blocks the thread. */
  readonly lockTimeoutMs?: number;
}

/** "SVDG": tells our databases from other programs'. */
const applicationId = 0x53564447;

/** Schema version n is migrations[0..n): append only. */
const migrations: readonly string[] = [
  "CREATE TABLE records (key TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT",
];

/**
 * Opens a database of ours, or makes it, at the newest schema, in WAL mode with
 * an fsync at each commit (https://www.sqlite.org/pragma.html#pragma_synchronous),
 * locked against every other process until it is closed.
 * @throws SelvedgeError `corrupt`, `unavailable` (locked), `unsupported` (newer schema),
 *   `permission_denied`, `not_found`, `resource_exhausted`, `failed_precondition`
 */
export function openDatabase({ path, bytesMax, lockTimeoutMs = 1000 }: DatabaseOptions): DatabaseSync {
  createPrivateFile(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: lockTimeoutMs });
    // Before the first access: then WAL needs no shared memory, and the lock taken by the
    // transaction below is kept for as long as the database is open.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    checkPages(database, path);
    migrate(database, path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    if (bytesMax !== undefined) limitPages(database, bytesMax);
    return database;
  } catch (thrown) {
    database?.close();
    throw sqliteError(thrown, path);
  }
}

/**
 * SQLite would make it readable by all. An existing file is never opened here:
 * closing it would drop the locks this process holds on it
 * (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (thrown) {
    if (errnoOf(thrown) !== "EEXIST") throw fileError(thrown, path);
    checkWritable(path);
  }
}

/** SQLite would open it to read, and call it a failure of the disk later. */
function checkWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    throw fileError(thrown, path);
  }
}

/** Checks before it writes, so that a file that is not ours stays as it is. */
function migrate(database: DatabaseSync, path: string): void {
  database.exec("BEGIN EXCLUSIVE");
  const owner = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (owner !== applicationId && !isEmpty) {
    throw new SelvedgeError("failed_precondition", "the database belongs to another program", {
      at: path,
      fix: "give another path (it was left untouched)",
    });
  }
  if (version > migrations.length) {
    throw new SelvedgeError(
      "unsupported",
      `schema version ${version} of the database is newer than ${migrations.length}, the newest known here`,
      { at: path, fix: "run the version of Selvedge that wrote it, or a newer one" },
    );
  }
  for (const migration of migrations.slice(version)) database.exec(migration);
  if (version < migrations.length) {
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
  }
  database.exec("COMMIT");
}

/** Damage is found at the start, not in the middle of a round: every page is read once. */
function checkPages(database: DatabaseSync, path: string): void {
  const [found] = database.prepare("PRAGMA quick_check(1)").all();
  const result = String(found?.quick_check);
  if (result === "ok") return;
  throw sqliteError(Object.assign(new Error(result), { errcode: corruptCode }), path);
}

/** SQLITE_CORRUPT, https://www.sqlite.org/rescode.html. */
const corruptCode = 11;

function limitPages(database: DatabaseSync, bytesMax: number): void {
  const pages = Math.max(1, Math.floor(bytesMax / pragma(database, "page_size")));
  database.exec(`PRAGMA max_page_count = ${pages}`);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
