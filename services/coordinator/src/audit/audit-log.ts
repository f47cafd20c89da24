import {
  type AuditEntry,
  type AuditHead,
  emptyAuditHead,
  nextAuditLine,
  SelvedgeError,
} from "@selvedge/protocol";
import type { Store, Write } from "@selvedge/storage";
import { createTurns } from "../identity/turns.ts";

/** One line of the log as it is kept. */
export interface AuditLine {
  readonly sequence: number;
  readonly line: string;
}

/**
 * What operators and the fleet's own defences did, as a chain of hashes that is
 * only ever added to (SPEC AU1). One per process: it is the only writer.
 *
 * Records: `audit/<number>`, each a line; `audit-head`, where the chain ends.
 */
export class AuditLog {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #inTurn = createTurns();
  #head: StoredHead | undefined;

  private constructor(store: Store, now: () => number, head: StoredHead) {
    this.#store = store;
    this.#now = now;
    this.#head = head;
  }

  /** @param now - milliseconds since 1970. */
  static async open(store: Store, now: () => number): Promise<AuditLog> {
    return new AuditLog(store, now, await readHead(store));
  }

  /**
   * Resolves once the record is durable, together with `writes` and in one
   * commit with them: all or nothing.
   *
   * @throws SelvedgeError as `Store.commit`; `corrupt` when the log goes on after its end.
   */
  append(entry: AuditEntry, writes: readonly Write[] = []): Promise<void> {
    return this.#inTurn(async () => {
      this.#head ??= await readHead(this.#store);
      const before = this.#head;
      const { line, head } = nextAuditLine(before.head, entry, this.#now());
      const key = lineKey(head.sequence);
      // Until the commit has come back nobody knows where the log ends.
      this.#head = undefined;
      try {
        await this.#store.commit({
          writes: [
            ...writes,
            { key, expectedVersion: 0, value: line },
            { key: headKey, expectedVersion: before.version, value: { ...head } },
          ],
        });
      } catch (thrown) {
        throw (await this.#goesOnAfter(before)) ? tampered(key, thrown) : thrown;
      }
      this.#head = { head, version: before.version + 1 };
    });
  }

  /** The newest record's number and hash. */
  async head(): Promise<AuditHead> {
    return (this.#head ?? (await readHead(this.#store))).head;
  }

  /** Records after number `after`, oldest first. */
  async read(after: number, limit: number): Promise<readonly AuditLine[]> {
    const records = await this.#store.list(linePrefix, { after: lineKey(after), limit });
    return records.map(({ key, value }) => ({
      sequence: Number(key.slice(linePrefix.length)),
      line: String(value),
    }));
  }

  /** Whether somebody else wrote to the log, or moved its end. */
  async #goesOnAfter({ head, version }: StoredHead): Promise<boolean> {
    const next = await this.#store.read(lineKey(head.sequence + 1)).catch(() => undefined);
    const stored = await readHead(this.#store).catch(() => undefined);
    return next !== undefined && stored?.version === version;
  }
}

interface StoredHead {
  readonly head: AuditHead;
  /** Of the record; 0 = there is none. */
  readonly version: number;
}

async function readHead(store: Store): Promise<StoredHead> {
  const stored = await store.read(headKey);
  if (stored === undefined) return { head: emptyAuditHead, version: 0 };
  return { head: stored.value as unknown as AuditHead, version: stored.version };
}

function tampered(key: string, cause: unknown): SelvedgeError {
  return new SelvedgeError("corrupt", "the audit log goes on after its end: somebody changed the database", {
    at: key,
    fix: "restore the coordinator's database from a backup, and find out who can write to it",
    cause,
  });
}

/** Padded, so that byte order is the order of numbers. */
function lineKey(sequence: number): string {
  return `${linePrefix}${String(sequence).padStart(16, "0")}`;
}

const linePrefix = "audit/";
const headKey = "audit-head";
