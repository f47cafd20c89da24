import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import {
  ifThere,
  isThere,
  migrateRecords,
  openPostgresStore,
  openSqliteStore,
  postgresName,
  type SnapshotStore,
  type Store,
  writeFileDurably,
} from "@selvedge/storage";
import type { Logger } from "pino";
import { recordMigrations } from "./record-migrations.ts";

export interface StoreOptions {
  /** The coordinator's folder: keys, blobs, and the records unless `storeUrl` says where else; made when absent. */
  readonly folder: string;
  /** `postgres://…`: where records are kept instead of the folder. It can hold a password, so it is never shown. */
  readonly storeUrl?: string;
  readonly log: Logger;
  /** Another coordinator has taken the store over: this one must end. */
  onLost(error: SelvedgeError): void;
}

/**
 * Opens the records of a coordinator. Records and folder belong together: an
 * empty database beside a folder in use would look like a fleet without devices.
 *
 * @throws SelvedgeError `unavailable` when it is in use or cannot be reached,
 *   `failed_precondition` when records and folder are of different fleets, `unsupported`
 *   when a newer version wrote them, `corrupt`.
 */
export async function openStore(options: StoreOptions): Promise<SnapshotStore> {
  const { folder, storeUrl } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const where = recordsName(folder, storeUrl);
  const store = await openRecords(options);
  try {
    await bind(store, folder, where);
    await migrateRecords(store, where, recordMigrations);
    return store;
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** The records alone, of whichever folder. */
export async function openRecords({ folder, storeUrl, log, onLost }: StoreOptions): Promise<SnapshotStore> {
  if (storeUrl === undefined) return openSqliteStore({ path: recordsName(folder, undefined) });
  return openPostgresStore({
    url: storeUrl,
    onTrouble: (error) => log.warn({ code: error.code, at: error.at }, error.message),
    onLost,
  });
}

/** Where a coordinator's records are, for messages. */
export function recordsName(folder: string, storeUrl: string | undefined): string {
  return storeUrl === undefined ? join(folder, "coordinator.db") : postgresName(storeUrl);
}

/**
 * Both sides keep one random id, made at the first start, and each order of writing the two leaves a
 * state from which the next start goes on: a folder without keys has seen no start to its end.
 */
async function bind(store: Store, folder: string, where: string): Promise<void> {
  const known = await readBinding(join(folder, bindingFileName));
  const record = await store.read(bindingKey);
  if (record !== undefined && record.value === known?.id) return;
  const isInUse = await hasKeys(folder);
  if (known !== undefined && (isInUse || record !== undefined)) {
    throw new SelvedgeError("failed_precondition", `the records at ${where} are not those of this folder`, {
      at: folder,
      fix: `start with the records at ${known.records}, or restore both from one backup: selvedge restore`,
    });
  }
  if (record !== undefined && !isInUse) {
    throw new SelvedgeError("failed_precondition", "the records are another folder's, which has the keys", {
      at: where,
      fix: "start with that folder, or give an empty database",
    });
  }
  const id = typeof record?.value === "string" ? record.value : (known?.id ?? randomUUID());
  const writeRecord = (): Promise<void> => store.commit({ writes: [{ key: bindingKey, value: id }] });
  if (isInUse) await writeRecord();
  await writeBinding(folder, { id, records: where });
  if (!isInUse) await writeRecord();
}

/** Says that records belong to a folder; they hold the same id under `bindingKey`. */
export async function writeBinding(folder: string, binding: Binding): Promise<void> {
  await writeFileDurably(join(folder, bindingFileName), `${JSON.stringify(binding, null, 2)}\n`);
}

export interface Binding {
  readonly id: string;
  /** Where the records were at the first start. */
  readonly records: string;
}

/** @returns undefined when there is none. @throws SelvedgeError `corrupt` */
async function readBinding(path: string): Promise<Binding | undefined> {
  const text = await ifThere(path, readFile(path, "utf8"));
  if (text === undefined) return undefined;
  try {
    const { id, records } = JSON.parse(text);
    if (typeof id === "string" && typeof records === "string") return { id, records };
  } catch {
    // Said below: what is not JSON is as damaged as JSON of another form.
  }
  throw new SelvedgeError("corrupt", "the file does not say which records belong to the folder", {
    at: path,
    fix: "delete it if the records are the folder's own, or restore both from one backup: selvedge restore",
  });
}

function hasKeys(folder: string): Promise<boolean> {
  // Not a key: rotations replace those, and remove the first.
  return isThere(join(folder, "keys", "root.crt"));
}

/** Says which records belong to a folder. */
const bindingFileName = "store.json";
/** The record that says the same. */
export const bindingKey = "folder";
