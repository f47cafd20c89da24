import { type ChildProcessByStdio, type StdioOptions, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SelvedgeError } from "@selvedge/protocol";
import { errorFromLog } from "./error-from-log.ts";

export interface ProcessOptions {
  /** What messages call it. */
  readonly name: string;
  /** The command line, without `selvedge`. */
  readonly command: readonly string[];
  /** Node's own options. */
  readonly nodeOptions?: readonly string[];
  /** Where it works. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where its stderr goes. */
  readonly logPath: string;
  /** Its whole standard input; without, the input stays open as long as this process lives. */
  readonly input?: string;
}

/**
 * A `selvedge … --json` process with all it starts. Its own session, so that
 * Ctrl-C reaches the demo alone, which then ends it in order. A service is
 * started with `--stop-with-stdin` and so ends with the demo, whatever ended that.
 */
export class SelvedgeProcess {
  readonly name: string;
  /** What it ended with; undefined = success, or because it was asked to. */
  readonly ended: Promise<SelvedgeError | undefined>;
  readonly #child: Child;
  readonly #firstLine: Promise<string | undefined>;
  #stopping = false;
  #isGone = false;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#child = start(options);
    this.#firstLine = firstLineOf(this.#child.stdout);
    this.ended = this.#end(options.logPath);
    // The other end may be gone already; how the process ended says why.
    this.#child.stdin.on("error", () => {});
    if (options.input !== undefined) this.#child.stdin.end(options.input);
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  /** The document it prints once it is up. @throws SelvedgeError what it ended with instead. */
  async ready(): Promise<unknown> {
    const line = await this.#firstLine;
    if (line !== undefined) return JSON.parse(line);
    throw (await this.ended) ?? new SelvedgeError("cancelled", `${this.name} was stopped while it started`);
  }

  /** Asks it to end, and ends it when it takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), stopGraceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it and what it has started, now. */
  kill(): void {
    this.#stopping = true;
    // Once it is gone its number may become another's.
    if (!this.#isGone) killGroup(this.#child.pid);
  }

  #end(logPath: string): Promise<SelvedgeError | undefined> {
    return new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(SelvedgeError.from(error, "unavailable")));
      this.#child.once("exit", (code, signal) => {
        this.#isGone = true;
        killGroup(this.#child.pid);
        const isFine = this.#stopping || code === 0;
        resolve(isFine ? undefined : errorFromLog(this.name, signal ?? `code ${code}`, logPath));
      });
    });
  }
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

function start(options: ProcessOptions): Child {
  const { command, nodeOptions = [], folder, env, logPath } = options;
  mkdirSync(dirname(logPath), { recursive: true, mode: 0o700 });
  const log = openSync(logPath, "a", 0o600);
  try {
    const args = ["--disable-warning=ExperimentalWarning", ...nodeOptions, mainPath, ...command, "--json"];
    const stdio: StdioOptions = ["pipe", "pipe", log];
    return spawn(process.execPath, args, { cwd: folder, env, stdio, detached: true }) as Child;
  } finally {
    closeSync(log);
  }
}

/** Undefined when the stream ends without one. Reads on, so that the writer never waits. */
function firstLineOf(stream: Readable): Promise<string | undefined> {
  const lines = createInterface({ input: stream });
  return new Promise((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(undefined));
  });
}

/** Undefined = it never started. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch (thrown) {
    // ESRCH: nothing of it is left.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

const mainPath: string = fileURLToPath(new URL("../main.ts", import.meta.url));
const stopGraceMs = 5_000;
