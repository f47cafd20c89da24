import { setTimeout as sleep } from "node:timers/promises";
import type { SelvedgeError } from "@selvedge/protocol";
import type { ClientBase } from "pg";
import { type CommitGroup, CommitQueue } from "./commit-queue.ts";
import {
  alreadyFilled,
  checkKey,
  checkList,
  decodeRow,
  encodeRecord,
  storeClosed,
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

class PostgresStore implements SnapshotStore {
  readonly #address: PostgresAddress;
  readonly #session: PostgresSession;
  readonly #patienceMs: number;
  readonly #queue = new CommitQueue();
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
    return rows[0] && decodeRow(rows[0]);
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
    return rows.map(decodeRow);
  }

  async commit(transaction: Transaction): Promise<void> {
    this.#checkOpen();
    const committed = this.#queue.add(transaction);
    void this.#turn(() => this.#flush());
    return committed;
  }

  /** Read over a connection of its own, so that commits go on. */
  async *snapshot(): AsyncIterable<StoredRecord> {
    this.#checkOpen();
    const client = await this.#session.another();
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      for (let after = ""; ; ) {
        const { rows } = await client.query(`${columns} key > $1 ORDER BY key LIMIT 1000`, [after]);
        yield* rows.map(decodeRow);
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
    const group = this.#queue.take();
    if (group === undefined) return;
    try {
      group.settle(await this.#write(group.transactions));
    } catch (thrown) {
      group.fail(postgresError(thrown, this.#address.name));
    }
  }

  /** Writes a group exactly once, over as many connections as it takes. */
  async #write(group: CommitGroup["transactions"]): Promise<GroupPlan> {
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
    group: CommitGroup["transactions"],
    number: number,
    beforeCommit: (plan: GroupPlan) => void,
  ): Promise<GroupPlan> {
    await client.query("BEGIN");
    const fenced = await client.query("UPDATE selvedge.writer SET commits = $1 WHERE owner = $2", [
      number,
      this.#session.owner,
    ]);
    if (fenced.rowCount !== 1) throw this.#session.giveUp();
    const versions = await readVersions(client, group);
    const plan = planGroup(group, (key) => versions.get(key) ?? 0);
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
    if (this.#closed) throw storeClosed(this.#address.name);
  }
}

async function readVersions(
  client: ClientBase,
  transactions: CommitGroup["transactions"],
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

const columns = "SELECT key, version, value FROM selvedge.records WHERE";
const upsert = `INSERT INTO selvedge.records (key, version, value)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
  ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value`;

/** Values in one statement, characters; a server takes 1 GB. */
const statementCharactersMax = 33_554_432;
/** Longer than any process lives: the longest a timer can wait. */
const neverMs = 2_147_483_647;
