import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { SelvedgeError } from "@selvedge/protocol";
import type { Client } from "pg";
import { storeClosed } from "./encode-transaction.ts";
import type { PostgresAddress } from "./postgres-address.ts";
import { isLost, postgresError } from "./postgres-error.ts";
import { claimSchema, committedBy, takeLock } from "./postgres-schema.ts";
import { systemTimers } from "./timers.ts";

export interface PostgresSessionOptions {
  readonly address: PostgresAddress;
  /** How long to wait for another coordinator to let go of the database, ms. */
  readonly lockTimeoutMs: number;
  /** How long the server may take for one statement before its connection counts as broken, ms. */
  readonly queryTimeoutMs: number;
  /** The connection broke, or another attempt to connect failed. */
  onTrouble(error: SelvedgeError): void;
  /** Somebody else owns the database now: nothing can be read or written any more. */
  onLost(error: SelvedgeError): void;
}

/** A connection that is up and holds the lock. */
export interface LiveConnection {
  readonly client: Client;
  /** Groups that this session had committed when the connection was made. */
  readonly commits: number;
}

/**
 * One connection to a database that this process alone may use, made again
 * whenever it breaks. Being the only owner is written down in the database, so
 * that a coordinator that lost its lock unnoticed cannot write any more.
 */
export class PostgresSession {
  /** Written in the database: whose commits it takes. */
  readonly owner: string = randomUUID();
  readonly #options: PostgresSessionOptions;
  readonly #closing = new AbortController();
  #live: Promise<LiveConnection>;
  #client: Client | undefined;

  private constructor(options: PostgresSessionOptions) {
    this.#options = options;
    this.#live = this.#connect(async (client) => {
      const { address, lockTimeoutMs } = options;
      await takeLock(client, address.name, lockTimeoutMs, (ms) => this.#sleep(ms));
      await claimSchema(client, address.name, this.owner);
      return 0;
    });
  }

  /** @throws SelvedgeError as `takeLock`, `claimSchema` and `postgresError` do */
  static async open(options: PostgresSessionOptions): Promise<PostgresSession> {
    const session = new PostgresSession(options);
    await session.#live;
    return session;
  }

  /**
   * The connection, once it is up.
   * @throws SelvedgeError `unavailable` after `patienceMs`, `failed_precondition` when it was
   *   closed or the database is somebody else's.
   */
  async live(patienceMs: number): Promise<LiveConnection> {
    const stop = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: stop.signal }).then(
      () => {
        throw new SelvedgeError("unavailable", "the database cannot be reached", {
          at: this.#options.address.name,
          fix: "check that the server runs, its host and its port",
        });
      },
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([this.#live, late]);
    } finally {
      stop.abort();
    }
  }

  /** A second connection, to read; whoever asks for it ends it. */
  async another(): Promise<Client> {
    const client = await this.#newClient("snapshot of selvedge");
    client.on("error", () => {});
    try {
      await client.connect();
      return client;
    } catch (thrown) {
      void client.end();
      throw postgresError(thrown, this.#options.address.name);
    }
  }

  /** Ends a connection on which something failed in a way that leaves its state unknown. */
  abandon({ client }: LiveConnection, thrown: unknown): void {
    if (this.#client === client) this.#reconnect(thrown);
  }

  /** Ends for good: another coordinator owns the database. @returns what to throw. */
  giveUp(): SelvedgeError {
    const error = takenOver(this.#options.address.name);
    void this.#end(error);
    this.#options.onLost(error);
    return error;
  }

  async close(): Promise<void> {
    await this.#end(storeClosed(this.#options.address.name));
  }

  async #end(error: SelvedgeError): Promise<void> {
    this.#closing.abort();
    const client = this.#client;
    this.#client = undefined;
    this.#live = Promise.reject(error);
    this.#live.catch(() => {});
    await client?.end();
  }

  #reconnect(thrown: unknown): void {
    void this.#client?.end();
    this.#client = undefined;
    if (this.#closing.signal.aborted) return;
    this.#options.onTrouble(postgresError(thrown, this.#options.address.name));
    this.#live = this.#connectAgain();
    this.#live.catch(() => {});
  }

  async #connectAgain(): Promise<LiveConnection> {
    for (let delayMs = delayMsMin; ; delayMs = Math.min(2 * delayMs, delayMsMax)) {
      await this.#sleep(delayMs);
      if (this.#closing.signal.aborted) throw storeClosed(this.#options.address.name);
      try {
        return await this.#connect((client) => this.#resume(client));
      } catch (thrown) {
        const error = postgresError(thrown, this.#options.address.name);
        if (error.code === "failed_precondition") throw error;
        if (!this.#closing.signal.aborted) this.#options.onTrouble(error);
      }
    }
  }

  async #connect(prepare: (client: Client) => Promise<number>): Promise<LiveConnection> {
    const client = await this.#newClient(`selvedge ${this.owner}`);
    client.on("error", (error) => this.#client === client && this.#reconnect(error));
    try {
      await client.connect();
      // The server notices within a minute when this machine has gone, and lets go of the lock.
      await client.query("SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10");
      await client.query("SET tcp_keepalives_count = 3");
      const commits = await prepare(client);
      if (this.#closing.signal.aborted) throw storeClosed(this.#options.address.name);
      this.#client = client;
      return { client, commits };
    } catch (thrown) {
      void client.end();
      throw postgresError(thrown, this.#options.address.name);
    }
  }

  async #newClient(name: string): Promise<Client> {
    // Loaded when it is wanted: devices have no PostgreSQL.
    const { Client } = await import("pg");
    return new Client({
      connectionString: this.#options.address.url,
      application_name: name,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: this.#options.queryTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
  }

  /**
   * The lock is free again only once the server has ended what was under way on
   * the connection before, so what it committed is certain then.
   */
  async #resume(client: Client): Promise<number> {
    const { address } = this.#options;
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`,
    );
    try {
      await takeLock(client, address.name, resumeLockTimeoutMs, (ms) => this.#sleep(ms));
    } catch (thrown) {
      if (isLost(thrown) || (await committedBy(client, this.owner)) !== undefined) throw thrown;
    }
    const commits = await committedBy(client, this.owner);
    if (commits !== undefined) return commits;
    throw this.giveUp();
  }

  /** Ends early when the session closes. */
  async #sleep(ms: number): Promise<void> {
    await systemTimers.sleep(ms, this.#closing.signal);
  }
}

function takenOver(name: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", "another coordinator has taken the database over", {
    at: name,
    fix: "let only one coordinator run on it, and start that one again",
  });
}

const delayMsMin = 100;
const delayMsMax = 5_000;
const connectTimeoutMs = 10_000;
const resumeLockTimeoutMs = 5_000;
