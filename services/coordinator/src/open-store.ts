import { randomUUID } from "node:crypto";
import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import {
  migrateRecords,
  openPostgresStore,
  openSqliteStore,
  postgresName,
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
export async function openStore(options: StoreOptions): Promise<Store> {
  const { folder, storeUrl, log, onLost } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const where = storeUrl === undefined ? join(folder, databaseFileName) : postgresName(storeUrl);
  const store =
    storeUrl === undefined
      ? await openSqliteStore({ path: where })
      : await openPostgresStore({
          url: storeUrl,
          onTrouble: (error) => log.warn({ code: error.code, at: error.at }, error.message),
          onLost,
        });
  try {
    await bind(store, folder, where);
    await migrateRecords(store, where, recordMigrations);
    return store;
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** Both sides keep one random id, made at the first start. */
async function bind(store: Store, folder: string, where: string): Promise<void> {
  const path = join(folder, bindingFileName);
  const known = await readBinding(path);
  const record = await store.read(recordKey);
  if (record !== undefined && record.value === known?.id) return;
  if (known !== undefined) {
    throw new SelvedgeError("failed_precondition", `the records at ${where} are not those of this folder`, {
      at: folder,
      fix: `start with the records at ${known.records}, or restore both from one backup: selvedge restore`,
    });
  }
  if (record !== undefined && !(await isInUse(folder))) {
    throw new SelvedgeError(
      "failed_precondition",
      "the records belong to another folder, with its own keys",
      {
        at: where,
        fix: "start with that folder, or give an empty database",
      },
    );
  }
  const id = typeof record?.value === "string" ? record.value : randomUUID();
  // The record first: without the file it is found again, while a file alone would refuse every start.
  if (record === undefined) await store.commit({ writes: [{ key: recordKey, value: id }] });
  await writeFileDurably(path, `${JSON.stringify({ id, records: where }, null, 2)}\n`);
}

interface Binding {
  readonly id: string;
  /** Where the records were at the first start. */
  readonly records: string;
}

/** @returns undefined when there is none. @throws SelvedgeError `corrupt` */
async function readBinding(path: string): Promise<Binding | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
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

async function isInUse(folder: string): Promise<boolean> {
  return access(join(folder, "keys", "root.key")).then(
    () => true,
    () => false,
  );
}

/** The records of a coordinator that was not given a database. */
export const databaseFileName = "coordinator.db";
/** Says which records belong to a folder. */
export const bindingFileName = "store.json";
const recordKey = "folder";
