import { setTimeout as sleep } from "node:timers/promises";
import { SelvedgeError } from "@selvedge/protocol";
import type { ClientBase } from "pg";
import {
  alreadyFilled,
  checkKey,
  checkList,
  type EncodedWrite,
  encodeRecord,
  encodeTransaction,
} from "./encode-transaction.ts";
import { successor } from "./key-range.ts";
import { type GroupPlan, planGroup } from "./plan-group.ts";
import { type PostgresAddress, parsePostgresUrl } from "./postgres-address.ts";
import { isLost, postgresError } from "./postgres-error.ts";
import { type LiveConnection, PostgresSession } from "./postgres-session.ts";
import type { ListOptions, SnapshotStore, StoredRecord, Transaction } from "./store.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; never shown whole. */
  readonly url: string;
  /** How long to wait at the start for another coordinator to let go of the database, ms; default 5,000. */
  readonly lockTimeoutMs?: number;
  /** How long a call waits for a connection that broke before it is refused, ms; default 10,000. */
  readonly patienceMs?: number;
  /** How long the server may take for one statement before its connection counts as broken, ms; default 60,000. */
  readonly queryTimeoutMs?: number;
  /** Told when the connection breaks and for each attempt to make it again that fails. */
  onTrouble?(error: SelvedgeError): void;
  /** Told when another coordinator has taken the database over: this one must end. */
  onLost?(error: SelvedgeError): void;
}

/**
 * A store in one PostgreSQL database, in its schema `selvedge`, that this
 * process alone uses until `close`. Commits that come while another is under way
 * share one transaction.
 *
 * A connection that breaks is made again; calls wait for it. A commit whose
 * answer was lost is settled by what the database says happened, so it is
 * neither lost nor done twice.
 *
 * @throws SelvedgeError `invalid_argument` (URL), `unavailable` (no server, or another coordinator),
 *   `permission_denied`, `not_found`, `unsupported` (newer schema), `failed_precondition`
 */
export async function openPostgresStore(options: PostgresOptions): Promise<SnapshotStore> {
  const { url, lockTimeoutMs = 5_000, patienceMs = 10_000, queryTimeoutMs = 60_000 } = options;
  const address = parsePostgresUrl(url);
  const session = await PostgresSession.open({
    address,
    lockTimeoutMs,
    queryTimeoutMs,
    onTrouble: (error) => options.onTrouble?.(error),
    onLost: (error) => options.onLost?.(error),
  });
  return new PostgresStore(address, session, patienceMs);
}

interface PendingCommit {
  readonly writes: readonly EncodedWrite[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: SelvedgeError) => void;
}

class PostgresStore implements SnapshotStore {
  readonly #address: PostgresAddress;
  readonly #session: PostgresSession;
  readonly #patienceMs: number;
  #pending: PendingCommit[] = [];
  #commits = 0;
  /** What was asked for last on the one connection; calls take turns. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(address: PostgresAddress, session: PostgresSession, patienceMs: number) {
    this.#address = address;
    this.#session = session;
    this.#patienceMs = patienceMs;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    checkKey(key);
    const rows = await this.#query(`${columns} key = $1`, [key]);
    return rows[0] && toRecord(rows[0]);
  }

  async list(
    prefix: string,
    { after = "", limit = 1000 }: ListOptions = {},
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    checkList(prefix, after, limit);
    const end = successor(prefix);
    const upTo = end === undefined ? "" : "AND key < $4";
    const rows = await this.#query(
      `${columns} key >= $1 AND key > $2 ${upTo} ORDER BY key LIMIT $3`,
      end === undefined ? [prefix, after, limit] : [prefix, after, limit, end],
    );
    return rows.map(toRecord);
  }

  async commit(transaction: Transaction): Promise<void> {
    this.#checkOpen();
    const writes = encodeTransaction(transaction);
    const bytes = writes.reduce((sum, { json = "" }) => sum + json.length, 0);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.push({ writes, bytes, resolve, reject });
    void this.#turn(() => this.#flush());
    return promise;
  }

  /** Read over a connection of its own, so that commits go on. */
  async *snapshot(): AsyncIterable<StoredRecord> {
    this.#checkOpen();
    const client = await this.#session.another();
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      for (let after = ""; ; ) {
        const { rows } = await client.query(`${columns} key > $1 ORDER BY key LIMIT 1000`, [after]);
        yield* rows.map(toRecord);
        if (rows.length === 0) return;
        after = String(rows.at(-1).key);
      }
    } catch (thrown) {
      throw postgresError(thrown, this.#address.name);
    } finally {
      await client.end();
    }
  }

  async load(records: AsyncIterable<StoredRecord>): Promise<void> {
    this.#checkOpen();
    await this.#turn(async () => {
      const live = await this.#session.live(this.#patienceMs);
      try {
        await live.client.query("BEGIN");
        const { rows } = await live.client.query("SELECT 1 FROM selvedge.records LIMIT 1");
        if (rows.length > 0) throw alreadyFilled(this.#address.name);
        let changes = new Map<string, { version: number; json: string }>();
        for await (const { key, version, value } of records) {
          changes.set(key, { version, json: encodeRecord(key, value) });
          if (changes.size < 1000) continue;
          await applyChanges(live.client, changes);
          changes = new Map();
        }
        await applyChanges(live.client, changes);
        await live.client.query("COMMIT");
      } catch (thrown) {
        await live.client.query("ROLLBACK").catch((error: unknown) => this.#session.abandon(live, error));
        throw postgresError(thrown, this.#address.name);
      }
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A server that stays away must not hold up the end of the process.
    await Promise.race([this.#turn(async () => {}), sleep(this.#patienceMs, undefined, { ref: false })]);
    await this.#session.close();
    await this.#turn(async () => {});
  }

  /** Settles a group that was pending; nothing when an earlier call has taken it along. */
  async #flush(): Promise<void> {
    const group = takeGroup(this.#pending);
    if (group.length === 0) return;
    try {
      const { conflicts } = await this.#write(group);
      for (const [index, { resolve, reject }] of group.entries()) {
        const conflict = conflicts[index];
        if (conflict === undefined) resolve();
        else reject(conflict);
      }
    } catch (thrown) {
      const error = postgresError(thrown, this.#address.name);
      for (const { reject } of group) reject(error);
    }
  }

  /** Writes a group exactly once, over as many connections as it takes. */
  async #write(group: readonly PendingCommit[]): Promise<GroupPlan> {
    const number = this.#commits + 1;
    let doubtful: GroupPlan | undefined;
    for (;;) {
      // Once it may have happened only the database can tell, however long that takes.
      const live = await this.#session.live(doubtful === undefined ? this.#patienceMs : neverMs);
      if (doubtful !== undefined && live.commits === number) {
        this.#commits = number;
        return doubtful;
      }
      doubtful = undefined;
      try {
        const plan = await this.#attempt(live, group, number, (planned) => {
          doubtful = planned;
        });
        this.#commits = number;
        return plan;
      } catch (thrown) {
        await this.#recover(live, thrown);
      }
    }
  }

  async #attempt(
    { client }: LiveConnection,
    group: readonly PendingCommit[],
    number: number,
    beforeCommit: (plan: GroupPlan) => void,
  ): Promise<GroupPlan> {
    await client.query("BEGIN");
    const fenced = await client.query("UPDATE selvedge.writer SET commits = $1 WHERE owner = $2", [
      number,
      this.#session.owner,
    ]);
    if (fenced.rowCount !== 1) throw this.#session.giveUp();
    const transactions = group.map(({ writes }) => writes);
    const plan = planGroup(transactions, await readVersions(client, transactions));
    await applyChanges(client, plan.changes);
    beforeCommit(plan);
    await client.query("COMMIT");
    return plan;
  }

  async #recover(live: LiveConnection, thrown: unknown): Promise<void> {
    if (isLost(thrown)) return this.#session.abandon(live, thrown);
    await live.client.query("ROLLBACK").catch((error: unknown) => this.#session.abandon(live, error));
    throw thrown;
  }

  #query(text: string, values: readonly (string | number)[]): Promise<Record<string, unknown>[]> {
    return this.#turn(async () => {
      const end = performance.now() + this.#patienceMs;
      for (;;) {
        const live = await this.#session.live(Math.max(end - performance.now(), 0));
        try {
          return (await live.client.query(text, [...values])).rows;
        } catch (thrown) {
          if (!isLost(thrown)) throw postgresError(thrown, this.#address.name);
          this.#session.abandon(live, thrown);
        }
      }
    });
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new SelvedgeError("failed_precondition", "the store is closed", { at: this.#address.name });
  }
}

/** From the front of `pending`, as many as one transaction should hold, and at least one. */
function takeGroup(pending: PendingCommit[]): PendingCommit[] {
  let count = 0;
  for (let bytes = 0; count < Math.min(pending.length, groupMax); count += 1) {
    bytes += pending[count]?.bytes ?? 0;
    if (count > 0 && bytes > statementCharactersMax) break;
  }
  return pending.splice(0, count);
}

async function readVersions(
  client: ClientBase,
  transactions: readonly (readonly EncodedWrite[])[],
): Promise<ReadonlyMap<string, number>> {
  const keys = [...new Set(transactions.flatMap((writes) => writes.map(({ key }) => key)))];
  if (keys.length === 0) return new Map();
  const { rows } = await client.query("SELECT key, version FROM selvedge.records WHERE key = ANY($1)", [
    keys,
  ]);
  return new Map(rows.map(({ key, version }) => [String(key), Number(version)]));
}

async function applyChanges(client: ClientBase, changes: GroupPlan["changes"]): Promise<void> {
  const gone = [...changes].filter(([, { json }]) => json === undefined).map(([key]) => key);
  if (gone.length > 0) await client.query("DELETE FROM selvedge.records WHERE key = ANY($1)", [gone]);
  let keys: string[] = [];
  let versions: number[] = [];
  let values: string[] = [];
  const write = async (): Promise<void> => {
    if (keys.length > 0) await client.query(upsert, [keys, versions, values]);
    [keys, versions, values] = [[], [], []];
  };
  let characters = 0;
  for (const [key, { version, json }] of changes) {
    if (json === undefined) continue;
    if (characters + json.length > statementCharactersMax) {
      await write();
      characters = 0;
    }
    characters += json.length;
    keys.push(key);
    versions.push(version);
    values.push(json);
  }
  await write();
}

function toRecord(row: Record<string, unknown>): StoredRecord {
  return {
    key: String(row.key),
    version: Number(row.version),
    value: JSON.parse(String(row.value)),
  };
}

const columns = "SELECT key, version, value FROM selvedge.records WHERE";
const upsert = `INSERT INTO selvedge.records (key, version, value)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
  ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value`;

/** Commits in one transaction. */
const groupMax = 256;
/** Values in one statement, characters; a server takes 1 GB. */
const statementCharactersMax = 33_554_432;
/** Longer than any process lives: the longest a timer can wait. */
const neverMs = 2_147_483_647;
