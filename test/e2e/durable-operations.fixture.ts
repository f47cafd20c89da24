// Loaded into a process before its own code (--import): writes down each operation that makes something durable, and
// kills the process, as `kill -9` does, around one of them when a test says so. What is an operation is found here, at
// the border to the system, so no list of effects has to be kept beside the code.
//
// SELVEDGE_DURABLE_LOG names the file to append to, a line an operation. When a file beside it, with `.arm` added to its
// name, holds an ArmedPoint, the process dies at the first operation that fits, and removes the file before.

import fs, { type PathLike } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

/** What was made durable: a file put in place or removed, a file or folder synced, records committed. */
export type DurablePoint = string;

export interface ArmedPoint {
  readonly when: "before" | "after";
  readonly point: DurablePoint;
  /** Before a sync: leaves half or nothing of what was written since the last one, as a power cut may. */
  readonly damage?: "torn" | "empty";
}

const log = process.env.SELVEDGE_DURABLE_LOG ?? "";
const { appendFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync } = fs;
/** How much of each file is known to be on disk, bytes. */
const synced = new Map<string, number>();
const promises: typeof fs.promises = createRequire(import.meta.url)("node:fs/promises");

// Children inherit --import: what they make is durable only by what their parent does with it.
const isService = /\/(main|crashing-coordinator\.fixture)\.ts$/.test(process.argv[1] ?? "");

if (log !== "" && isService) {
  wrapPromise("rename", (_from: PathLike, to: PathLike) => `rename ${shape(to)}`);
  wrapPromise("link", (_from: PathLike, to: PathLike) => `link ${shape(to)}`);
  wrapPromise("unlink", (path: PathLike) => `unlink ${shape(path)}`);
  wrapPromise("rm", (path: PathLike) => `rm ${shape(path)}`);
  await wrapSync();
  wrapCommits();
  syncBuiltinESMExports();
}

type PromiseOperation = "rename" | "link" | "unlink" | "rm";

function wrapPromise<Name extends PromiseOperation>(
  name: Name,
  pointOf: (...args: Parameters<(typeof promises)[Name]>) => DurablePoint,
): void {
  const original = promises[name] as (...args: unknown[]) => Promise<unknown>;
  const wrapped = async (...args: unknown[]): Promise<unknown> => {
    const point = pointOf(...(args as Parameters<(typeof promises)[Name]>));
    return around(point, () => original(...args));
  };
  Object.assign(promises, { [name]: wrapped });
}

/** Of the handles that `open` returns: all have one prototype. */
async function wrapSync(): Promise<void> {
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
    for (const kind of recordKinds(args)) written.add(kind);
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

function* recordKinds(args: readonly unknown[]): Generator<string> {
  const key = args.find((arg): arg is string => typeof arg === "string" && /^[a-z][\w-]*(\/|$)/.test(arg));
  if (key === undefined) return;
  const value = args.findLast((arg): arg is string => typeof arg === "string" && arg.startsWith("{"));
  const type = /\/effect\//.test(key) && value !== undefined ? /"type":"(\w+)"/.exec(value)?.[1] : undefined;
  yield `${shape(key)}${type === undefined ? "" : `:${type}`}`;
}

async function around<Result>(point: DurablePoint, operate: () => Promise<Result>): Promise<Result> {
  pass("before", point);
  const result = await operate();
  pass("after", point);
  return result;
}

/** @param path - the file that is about to be synced */
function pass(when: ArmedPoint["when"], point: DurablePoint, path?: string): void {
  if (when === "before") appendFileSync(log, `${point}\n`);
  const arm = `${log}.arm`;
  if (!existsSync(arm)) return;
  const armed = JSON.parse(readFileSync(arm, "utf8")) as ArmedPoint;
  if (armed.when !== when || armed.point !== point) return;
  rmSync(arm);
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
