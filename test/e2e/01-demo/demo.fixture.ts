import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mainPath } from "../spawned-process.fixture.ts";

export interface Demo {
  readonly process: ChildProcess;
  /** $TMPDIR of the demo: what is in it afterwards was left behind. */
  readonly folder: string;
  /** Its user's. */
  readonly home: string;
  /** On stdout, so far. */
  readonly lines: readonly string[];
  /** The first JSON line with this type, once there is one. */
  line(type: string): Promise<Record<string, unknown>>;
  /** The first line that matches, once there is one. */
  match(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Exit code, or the signal that ended it, and what it said on stderr. */
  readonly ended: Promise<{ readonly ending: number | string; readonly stderr: string }>;
}

/** A process that a demo started. */
export interface DemoProcess {
  readonly pid: number;
  readonly commandLine: readonly string[];
  readonly workingFolder: string;
}

export interface DemoRun {
  /** A command line that runs it; directly when absent. */
  readonly launcher?: readonly string[];
  /** Without, its stdout is JSON lines, and it ends when it is done. */
  readonly isKept?: boolean;
}

/** Runs `selvedge demo`. */
export function startDemo(
  t: TestContext,
  options: string,
  { launcher = [], isKept = false }: DemoRun = {},
): Demo {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "selvedge-e2e-demo-")));
  const home = mkdtempSync(join(tmpdir(), "selvedge-e2e-home-"));
  const [command = "", ...args] = [
    ...[...launcher, process.execPath, "--disable-warning=ExperimentalWarning", mainPath()],
    ...["demo", ...(isKept ? ["--keep"] : ["--json", "--no-keep"]), ...options.split(" ")],
  ];
  const child = spawn(command, args, {
    env: { ...process.env, TMPDIR: folder, HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => {
    for (const { pid } of processesOf(folder)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 50 });
    rmSync(home, { recursive: true });
  });
  const lines: string[] = [];
  let news = Promise.withResolvers<boolean>();
  const tell = (isMore: boolean): void => {
    news.resolve(isMore);
    if (isMore) news = Promise.withResolvers();
  };
  createInterface({ input: child.stdout })
    .on("line", (line) => {
      lines.push(line);
      tell(true);
    })
    .on("close", () => tell(false));
  const stderr = text(child.stderr);
  const find = async <Found>(look: (line: string) => Found | undefined, what: string): Promise<Found> => {
    for (let isMore = true; isMore; isMore = await news.promise) {
      for (const line of lines) {
        const found = look(line);
        if (found !== undefined) return found;
      }
    }
    return assert.fail(`it ended before ${what}: ${await stderr}`);
  };
  return {
    process: child,
    folder,
    home,
    lines,
    line: (type) =>
      find((line) => {
        const document = JSON.parse(line);
        return document.type === type ? document : undefined;
      }, `"${type}"`),
    match: (pattern) => find((line) => line.match(pattern) ?? undefined, String(pattern)),
    ended: once(child, "close").then(async ([code, signal]) => ({
      ending: code ?? signal,
      stderr: await stderr,
    })),
  };
}

/** Running processes whose environment names the folder. */
export function processesOf(folder: string): DemoProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(folder)) return [];
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
        return [{ pid: Number(pid), commandLine, workingFolder: readlinkSync(`/proc/${pid}/cwd`) }];
      } catch {
        // It ended while we looked, or is not ours.
        return [];
      }
    });
}

/** Whether a process that is stopped has yet to get a SIGTERM. */
export function isAskedToEnd(pid: number): boolean {
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${pending}`) & (1n << 14n)) !== 0n;
}

/** Waits until no process of a demo is left; the test's own time limit ends it otherwise. */
export async function untilGone({ folder }: Demo): Promise<void> {
  while (processesOf(folder).length > 0) await sleep(50);
}

/** Checks that a demo that has ended left nothing. */
export function assertNothingLeft({ folder }: Demo): void {
  assert.deepEqual(processesOf(folder), [], "processes");
  assert.deepEqual(readdirSync(folder), [], "temporary files");
}
