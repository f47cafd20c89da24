import {
  alreadyFilled,
  checkKey,
  checkList,
  encodeRecord,
  encodeTransaction,
  storeClosed,
} from "./encode-transaction.ts";
import { planGroup } from "./plan-group.ts";
import type { ListOptions, SnapshotStore, StoredRecord, Transaction } from "./store.ts";

/** What stands for the disk: pass the same map to a new store to "restart" on it. */
export type MemoryRecords = Map<string, { readonly version: number; readonly json: string }>;

/** A store in memory; a commit is applied when it is called. */
export function openMemoryStore(records: MemoryRecords = new Map()): SnapshotStore {
  return new MemoryStore(records);
}

class MemoryStore implements SnapshotStore {
  readonly #records: MemoryRecords;
  #closed = false;

  constructor(records: MemoryRecords) {
    this.#records = records;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    checkKey(key);
    const record = this.#records.get(key);
    return record && { key, version: record.version, value: JSON.parse(record.json) };
  }

  async list(
    prefix: string,
    { after = "", limit = 1000 }: ListOptions = {},
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    checkList(prefix, after, limit);
    return [...this.#records]
      .filter(([key]) => key.startsWith(prefix) && compareBytes(key, after) > 0)
      .sort(([a], [b]) => compareBytes(a, b))
      .slice(0, limit)
      .map(([key, { version, json }]) => ({ key, version, value: JSON.parse(json) }));
  }

  async commit(transaction: Transaction): Promise<void> {
    this.#checkOpen();
    const writes = encodeTransaction(transaction);
    const { conflicts, changes } = planGroup([writes], (key) => this.#records.get(key)?.version ?? 0);
    if (conflicts[0] !== undefined) throw conflicts[0];
    for (const [key, { version, json }] of changes) {
      if (json === undefined) this.#records.delete(key);
      else this.#records.set(key, { version, json });
    }
  }

  async *snapshot(): AsyncIterable<StoredRecord> {
    yield* await this.list("", { limit: Number.MAX_SAFE_INTEGER });
  }

  async load(records: AsyncIterable<StoredRecord>): Promise<void> {
    this.#checkOpen();
    const loaded: [string, { version: number; json: string }][] = [];
    for await (const { key, version, value } of records) {
      loaded.push([key, { version, json: encodeRecord(key, value) }]);
    }
    if (this.#records.size > 0) throw alreadyFilled("memory");
    for (const [key, record] of loaded) this.#records.set(key, record);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw storeClosed("memory");
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
