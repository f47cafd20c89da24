import { SelvedgeError } from "@selvedge/protocol";
import type { ClientBase } from "pg";

/** "SVDG": our lock among those that programs take in one database. */
const lockKey = 0x53564447;

/** Schema version n is migrations[0..n): append only. */
const migrations: readonly string[] = [
  `CREATE TABLE selvedge.records
     (key text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, value text NOT NULL)`,
];

/**
 * Waits for the lock that lets one coordinator at a time use a database; it is
 * held until the connection ends.
 *
 * @throws SelvedgeError `unavailable` when another has it for longer than `timeoutMs`
 */
export async function takeLock(
  client: ClientBase,
  name: string,
  timeoutMs: number,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (let left = timeoutMs; ; left -= lockPollMs) {
    const { rows } = await client.query("SELECT pg_try_advisory_lock($1) AS taken", [lockKey]);
    if (rows[0]?.taken === true) return;
    if (left <= 0) throw new SelvedgeError("unavailable", await describeHolder(client), { at: name, fix });
    await sleep(lockPollMs);
  }
}

/**
 * Brings the schema to the newest version, in one transaction, and makes
 * `owner` the only one whose commits the database takes from now on.
 *
 * @throws SelvedgeError `unsupported` (newer schema, or not UTF-8), `failed_precondition`
 */
export async function claimSchema(client: ClientBase, name: string, owner: string): Promise<void> {
  await checkServer(client, name);
  await client.query("BEGIN");
  const version = await schemaVersion(client, name);
  if (version > migrations.length) {
    throw new SelvedgeError(
      "unsupported",
      `schema version ${version} of the database is newer than ${migrations.length}, the newest known here`,
      { at: name, fix: "run the version of Selvedge that wrote it, or a newer one" },
    );
  }
  for (const migration of migrations.slice(version)) await client.query(migration);
  await client.query("UPDATE selvedge.writer SET schema_version = $1, owner = $2, commits = 0", [
    migrations.length,
    owner,
  ]);
  await client.query("COMMIT");
}

/** How many groups `owner` has committed; undefined when another has taken the database over. */
export async function committedBy(client: ClientBase, owner: string): Promise<number | undefined> {
  const { rows } = await client.query("SELECT commits FROM selvedge.writer WHERE owner = $1", [owner]);
  return rows[0] === undefined ? undefined : Number(rows[0].commits);
}

/** 0 = new. Checks before it writes, so that a database that is not ours stays as it is. */
async function schemaVersion(client: ClientBase, name: string): Promise<number> {
  const { rows } = await client.query(
    `SELECT count(*) > 0 AS has_schema, count(*) FILTER (WHERE relname = 'writer') > 0 AS is_ours
       FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid WHERE nspname = 'selvedge'`,
  );
  if (rows[0]?.is_ours === true) {
    const known = await client.query("SELECT schema_version FROM selvedge.writer");
    return Number(known.rows[0]?.schema_version);
  }
  if (rows[0]?.has_schema === true) {
    throw new SelvedgeError("failed_precondition", "another program has a schema called selvedge there", {
      at: name,
      fix: "give another database (it was left untouched)",
    });
  }
  await client.query("CREATE SCHEMA selvedge");
  await client.query(
    `CREATE TABLE selvedge.writer
       (single boolean PRIMARY KEY DEFAULT true CHECK (single), schema_version integer NOT NULL,
        owner text NOT NULL, commits bigint NOT NULL)`,
  );
  await client.query("INSERT INTO selvedge.writer (schema_version, owner, commits) VALUES (0, '', 0)");
  return 0;
}

/** What is acknowledged must be on the disk: settings under which it is not are refused or overridden. */
async function checkServer(client: ClientBase, name: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS commit`,
  );
  const { encoding, fsync, commit } = rows[0] ?? {};
  if (encoding !== "UTF8") {
    throw new SelvedgeError("unsupported", `the database has the encoding ${encoding}, not UTF8`, {
      at: name,
      fix: "create it with --encoding UTF8 --template template0",
    });
  }
  if (fsync !== "on") {
    throw new SelvedgeError("failed_precondition", "the server runs with fsync off: a crash loses data", {
      at: name,
      fix: "set fsync = on in postgresql.conf",
    });
  }
  if (commit === "off") await client.query("SET synchronous_commit = on");
}

async function describeHolder(client: ClientBase): Promise<string> {
  const { rows } = await client.query(
    `SELECT activity.pid, coalesce(host(activity.client_addr), 'its own machine') AS address
       FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
      WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = $1::bigint::oid
        AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [lockKey],
  );
  const [holder] = rows;
  const where =
    holder === undefined ? "" : `, connected from ${holder.address} (server process ${holder.pid})`;
  return `another coordinator uses the database${where}`;
}

const fix = "stop the other coordinator, or give this one a database of its own";
const lockPollMs = 100;
