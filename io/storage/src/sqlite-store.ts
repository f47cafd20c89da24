import { rm, writeFile } from "node:fs/promises";
import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import { CommitQueue } from "./commit-queue.ts";
import {
  alreadyFilled,
  checkKey,
  checkList,
  decodeRow,
  encodeRecord,
  storeClosed,
} from "./encode-transaction.ts";
import { successor } from "./key-range.ts";
import { type DatabaseOptions, openDatabase } from "./open-database.ts";
import { type GroupPlan, planGroup } from "./plan-group.ts";
import { sqliteError } from "./sqlite-error.ts";
import type { ListOptions, SnapshotStore, StoredRecord, Transaction } from "./store.ts";

/** Copied of a snapshot between two looks at other work: 4 MiB. */
const pagesAtOnce = 1024;

/**
 * A store in one SQLite file that this process alone has open until `close`.
 * Commits of one turn of the event loop share one disk transaction, hence one fsync.
 * @throws SelvedgeError as `openDatabase` does
 */
export async function openSqliteStore(options: DatabaseOptions): Promise<SnapshotStore> {
  return new SqliteStore(openDatabase(options), options.path);
}

class SqliteStore implements SnapshotStore {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements: Statements;
  readonly #queue = new CommitQueue();
  #snapshots = 0;
  #closed = false;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#statements = prepare(database);
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    checkKey(key);
    const row = this.#guard(() => this.#statements.read.get(key));
    return row && decodeRow(row);
  }

  async list(
    prefix: string,
    { after = "", limit = 1000 }: ListOptions = {},
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    checkList(prefix, after, limit);
    const end = successor(prefix);
    const { listFrom, listRange } = this.#statements;
    const rows = this.#guard(() =>
      end === undefined ? listFrom.all(prefix, after, limit) : listRange.all(prefix, after, end, limit),
    );
    return rows.map(decodeRow);
  }

  async commit(transaction: Transaction): Promise<void> {
    this.#checkOpen();
    const isFirst = this.#queue.isEmpty;
    const committed = this.#queue.add(transaction);
    if (isFirst) setImmediate(() => this.#flush());
    return committed;
  }

  /** A copy of the file, made while commits go on, is read and removed: until then it takes as much room again. */
  async *snapshot(): AsyncIterable<StoredRecord> {
    this.#checkOpen();
    this.#snapshots += 1;
    const path = `${this.#path}.snapshot-${this.#snapshots}`;
    let copy: DatabaseSync | undefined;
    try {
      // SQLite would make it readable by all.
      await writeFile(path, "", { mode: 0o600 });
      await backup(this.#database, path, { rate: pagesAtOnce });
      copy = new DatabaseSync(path, { readOnly: true });
      const rows = copy.prepare("SELECT key, version, value FROM records ORDER BY key").iterate();
      for (const row of rows) yield decodeRow(row);
    } catch (thrown) {
      throw sqliteError(thrown, path);
    } finally {
      copy?.close();
      await rm(path, { force: true });
    }
  }

  async load(records: AsyncIterable<StoredRecord>): Promise<void> {
    this.#checkOpen();
    // Nobody else uses a store that is being filled: what is awaited in here is the source alone.
    this.#guard(() => this.#database.exec("BEGIN IMMEDIATE"));
    try {
      const filled = this.#database.prepare("SELECT 1 FROM records LIMIT 1").get();
      if (filled !== undefined) throw alreadyFilled(this.#path);
      const insert = this.#database.prepare("INSERT INTO records (key, version, value) VALUES (?, ?, ?)");
      for await (const { key, version, value } of records) {
        insert.run(key, version, encodeRecord(key, value));
      }
      this.#database.exec("COMMIT");
    } catch (thrown) {
      this.#rollBack();
      throw sqliteError(thrown, this.#path);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (!this.#queue.isEmpty) this.#flush();
    this.#guard(() => this.#database.close());
  }

  /** Writes one group and settles its promises. */
  #flush(): void {
    const group = this.#queue.take();
    if (group === undefined) return;
    if (!this.#queue.isEmpty) setImmediate(() => this.#flush());
    let plan: GroupPlan;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      plan = planGroup(group.transactions, (key) => Number(this.#statements.version.get(key)?.version ?? 0));
      this.#apply(plan);
      this.#database.exec("COMMIT");
    } catch (thrown) {
      this.#rollBack();
      group.fail(sqliteError(thrown, this.#path));
      return;
    }
    group.settle(plan);
  }

  #apply({ changes }: GroupPlan): void {
    for (const [key, { version, json }] of changes) {
      if (json === undefined) this.#statements.remove.run(key);
      else this.#statements.write.run(key, version, json);
    }
  }

  /** SQLite has already rolled back after some errors, a full disk among them. */
  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw sqliteError(thrown, this.#path);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed(this.#path);
  }
}

interface Statements {
  readonly read: StatementSync;
  readonly version: StatementSync;
  readonly listFrom: StatementSync;
  readonly listRange: StatementSync;
  readonly write: StatementSync;
  readonly remove: StatementSync;
}

function prepare(database: DatabaseSync): Statements {
  const columns = "SELECT key, version, value FROM records WHERE";
  return {
    read: database.prepare(`${columns} key = ?`),
    version: database.prepare("SELECT version FROM records WHERE key = ?"),
    listFrom: database.prepare(`${columns} key >= ? AND key > ? ORDER BY key LIMIT ?`),
    listRange: database.prepare(`${columns} key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?`),
    write: database.prepare(
      "INSERT INTO records (key, version, value) VALUES (?, ?, ?) " +
        "ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value",
    ),
    remove: database.prepare("DELETE FROM records WHERE key = ?"),
  };
}
