import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "@selvedge/protocol";
import { SelvedgeError } from "@selvedge/protocol";
import {
  type Json,
  type MemoryRecords,
  openMemoryStore,
  openSqliteStore,
  readAll,
  type Store,
  type Write,
} from "@selvedge/storage";
import { BlobFolder } from "./blob-folder.ts";
import { type ChangedStates, type ClientStates, stateWrites } from "./client-states.ts";

/** A coordinator between two rounds: its records, and every blob that they name. */
export interface Moment {
  readonly records: MemoryRecords;
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
}

/**
 * Where a simulation stands, on disk: one transaction holds the coordinator's records and what clients
 * remember, so that a process killed at any time goes on from the end of a round (SPEC SL3). While one
 * is written the next may come and go: the newest is what counts.
 */
export class Checkpoint {
  readonly blobs: BlobFolder;
  readonly store: Store;
  readonly #isKept: boolean;
  readonly #written = new Map<string, string>();
  #next: (() => Promise<void>) | undefined;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  /**
   * @param settings what the simulation is of: a checkpoint of other settings is refused
   * @param isKept whether another process may go on from here; else nothing but blobs is written
   * @throws SelvedgeError `already_exists` when the folder holds another simulation
   */
  static async open(folder: string, settings: Json, isKept: boolean): Promise<Checkpoint> {
    await mkdir(folder, { recursive: true });
    const store = isKept
      ? await openSqliteStore({ path: join(folder, "checkpoint.sqlite") })
      : openMemoryStore();
    const known = await store.read(settingsKey);
    if (known === undefined) await store.commit({ writes: [{ key: settingsKey, value: settings }] });
    else if (JSON.stringify(known.value) !== JSON.stringify(settings)) {
      await store.close();
      throw new SelvedgeError("already_exists", "the folder holds another simulation, of other settings", {
        at: folder,
        fix: "give the same job, data and options to go on with it, or another folder",
      });
    }
    return new Checkpoint(store, new BlobFolder(join(folder, "blobs")), isKept);
  }

  private constructor(store: Store, blobs: BlobFolder, isKept: boolean) {
    this.store = store;
    this.blobs = blobs;
    this.#isKept = isKept;
  }

  /** The last one that was written whole; nothing is in it when there is none. */
  async read(): Promise<Moment> {
    const records: MemoryRecords = new Map();
    for await (const { key, value } of readAll(this.store, boardPrefix)) {
      const { version, json } = value as { readonly version: number; readonly json: string };
      records.set(key.slice(boardPrefix.length), { version, json });
      this.#written.set(key, json);
    }
    const named = (await this.store.read(blobsKey))?.value as Digest[] | undefined;
    const blobs = new Map<Digest, Uint8Array>();
    for (const digest of named ?? []) blobs.set(digest, await this.blobs.get(digest));
    return { records, blobs };
  }

  /** Writes it soon, with what clients remember now. @param afterwards what may be done only once it is on disk */
  save(moment: Moment, clients: ClientStates, afterwards: () => Promise<void>): void {
    const changes = clients.takeChanges();
    const spent = this.blobs.known.filter((digest) => !moment.blobs.has(digest));
    this.#next = async () => {
      await this.#write(moment, changes);
      clients.saved(changes);
      for (const digest of spent) await this.blobs.delete(digest);
      await afterwards();
    };
    this.#writing ??= this.#writeAll();
  }

  /** @throws SelvedgeError what went wrong with writing, such as a full disk */
  async saved(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.store.close();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#next !== undefined) {
        const write = this.#next;
        this.#next = undefined;
        await write();
      }
    } catch (thrown) {
      this.#failure = thrown;
    }
    this.#writing = undefined;
  }

  async #write({ blobs, records }: Moment, changes: ChangedStates): Promise<void> {
    for (const [digest, bytes] of blobs) await this.blobs.put(digest, bytes);
    const named: Write = { key: blobsKey, value: [...blobs.keys()] };
    const board = this.#isKept ? [...this.#changes(records), named] : [];
    await this.store.commit({ writes: [...board, ...stateWrites(changes)] });
  }

  #changes(records: MemoryRecords): Write[] {
    const writes: Write[] = [];
    for (const [name, { version, json }] of records) {
      const key = boardPrefix + name;
      if (this.#written.get(key) === json) continue;
      this.#written.set(key, json);
      writes.push({ key, value: { version, json } });
    }
    for (const key of this.#written.keys()) {
      if (records.has(key.slice(boardPrefix.length))) continue;
      this.#written.delete(key);
      writes.push({ key, value: undefined });
    }
    return writes;
  }
}

const boardPrefix = "coordinator/";
const settingsKey = "settings";
const blobsKey = "blobs";
