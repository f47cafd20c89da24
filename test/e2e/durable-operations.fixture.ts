// Loaded into a process before its own code (--import): writes down each operation that makes something durable, and
// kills the process, as `kill -9` does, around one of them when a test says so. What is an operation is found here, at
// the border to the system, so no list of effects has to be kept beside the code.
//
// SELVEDGE_DURABLE_LOG names the file to append to, a line an operation. Where a point is armed, the process disarms it
// and dies at the first operation that fits.

import fs, { type PathLike } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { type ArmedPoint, armedPoint, type DurablePoint, disarm } from "./armed-point.fixture.ts";

const log = process.env.SELVEDGE_DURABLE_LOG ?? "";
const { appendFileSync, promises, statSync, truncateSync } = fs;
/** How much of each file is known to be on disk, bytes. */
const synced = new Map<string, number>();

// Children inherit --import: what they make is durable only by what their parent does with it.
const isService = /\/(main|crashing-coordinator\.fixture)\.ts$/.test(process.argv[1] ?? "");

if (log !== "" && isService) {
  wrapPathOperations();
  await wrapSyncs();
  wrapCommits();
  syncBuiltinESMExports();
}

/** Of `node:fs/promises`, each named after the path it changes: its first argument, or its second. */
function wrapPathOperations(): void {
  for (const [name, index] of [
    ["rename", 1],
    ["link", 1],
    ["unlink", 0],
    ["rm", 0],
  ] as const) {
    const original = promises[name] as (...args: unknown[]) => Promise<unknown>;
    const wrapped = async (...args: unknown[]): Promise<unknown> => {
      const point = `${name} ${shape(args[index] as PathLike)}`;
      pass("before", point);
      const result = await original(...args);
      pass("after", point);
      return result;
    };
    Object.assign(promises, { [name]: wrapped });
  }
}

/** Of the handles that `open` returns: all have one prototype. */
async function wrapSyncs(): Promise<void> {
  const handle = await promises.open(process.execPath, "r");
  const prototype: { sync(): Promise<void>; datasync(): Promise<void> } = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ["sync", "datasync"] as const) {
    const original = prototype[name];
    prototype[name] = async function (this: fs.promises.FileHandle) {
      // Which file it is, only the system knows.
      const path = fs.readlinkSync(`/proc/self/fd/${this.fd}`);
      const point = `${name} ${shape(path)}`;
      const length = statSync(path).size;
      pass("before", point, path);
      await original.call(this);
      synced.set(path, length);
      pass("after", point);
    };
  }
}

/** A commit is named after the records it writes; the journal's effects after what they do. */
function wrapCommits(): void {
  let written = new Set<string>();
  const run = StatementSync.prototype.run;
  StatementSync.prototype.run = function (this: StatementSync, ...args: unknown[]) {
    const kind = recordKind(args);
    if (kind !== undefined) written.add(kind);
    return Reflect.apply(run, this, args);
  };
  const exec = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql.startsWith("BEGIN")) written = new Set();
    if (sql !== "COMMIT") return exec.call(this, sql);
    const point = `commit ${[...written].sort().join(" + ")}`;
    pass("before", point);
    exec.call(this, sql);
    pass("after", point);
  };
}

/** Of a statement's values: the kind of the record they write; undefined when they write none. */
function recordKind(values: readonly unknown[]): string | undefined {
  const texts = values.filter((value) => typeof value === "string");
  const key = texts.find((text) => /^[a-z][\w-]*(\/|$)/.test(text));
  if (key === undefined) return undefined;
  const [, effect] = /"type":"(\w+)"/.exec(texts.findLast((text) => text.startsWith("{")) ?? "") ?? [];
  return key.includes("/effect/") && effect !== undefined ? `${shape(key)}:${effect}` : shape(key);
}

/** @param path - the file that is about to be synced */
function pass(when: ArmedPoint["when"], point: DurablePoint, path?: string): void {
  if (when === "before") appendFileSync(log, `${point}\n`);
  const armed = armedPoint(log);
  if (armed?.when !== when || armed.point !== point || !disarm(log)) return;
  if (path !== undefined && armed.damage !== undefined) spoil(path, armed.damage);
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way: nothing more may happen.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function spoil(path: string, damage: "torn" | "empty"): void {
  const { size } = statSync(path);
  // What is appended to was on disk before this process began; a file of our own making was not.
  const safe = synced.get(path) ?? (/\.(tmp|part)$/.test(path) ? 0 : size);
  truncateSync(path, damage === "empty" ? safe : safe + Math.floor((size - safe) / 2));
}

/** The same for every run: the last parts of a path, without names that are drawn or counted. */
function shape(path: PathLike): string {
  return String(path)
    .split("/")
    .slice(-3)
    .map((part) =>
      part
        .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
        .replaceAll(/(sha256:)?[0-9a-f]{64}/g, "DIGEST")
        .replaceAll(/\d+/g, "N")
        .replaceAll(/^[0-9a-fN]{1,4}$/g, "XX"),
    )
    .join("/");
}
