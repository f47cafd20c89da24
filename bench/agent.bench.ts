/**
 * An agent with nothing to do: how long until it serves and is connected, and what it holds in memory then.
 * Run with `npm run bench -- agent [--starts 7] [--idle 60]`: a table, and last one line of JSON.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { starts: { type: "string", default: "7" }, idle: { type: "string", default: "60" } },
});
const selvedge = join(import.meta.dirname, "../selvedge");
const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
const state = join(folder, "coordinator");
const device = join(folder, "device");
const children: ChildProcessWithoutNullStreams[] = [];

try {
  const result = await measure();
  console.table(
    Object.entries(result).map(([figure, value]) => ({ figure, value: Math.round(value * 100) / 100 })),
  );
  console.log(JSON.stringify({ benchmark: "agent", ...result }));
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<Record<string, number>> {
  const up = start([
    "up",
    "--json",
    "--state",
    state,
    "--host",
    "127.0.0.1",
    "--name",
    "127.0.0.1",
    "--port",
    "0",
  ]);
  const { url } = (await lineWith(up, "url")) as { readonly url: string };
  const token = execFileSync(selvedge, ["token", "create", "--json", "--state", state], { encoding: "utf8" });
  const input = (JSON.parse(token) as { readonly token: string }).token;
  execFileSync(selvedge, ["join", url, "--token-file", "-", "--folder", device], { input });

  const starts: { readonly serving: number; readonly welcomed: number }[] = [];
  for (let index = 0; index < Number(values.starts); index++) {
    const { agent, ...took } = await coldStart();
    starts.push(took);
    await stop(agent);
  }
  const { agent } = await coldStart();
  await sleep(Number(values.idle) * 1_000);
  return {
    starts: starts.length,
    servingMs: median(starts.map(({ serving }) => serving)),
    welcomedMs: median(starts.map(({ welcomed }) => welcomed)),
    idleResidentMiB: residentBytes(agent.pid) / 1_048_576,
  };
}

/** From the command to its first lines; nothing of the process before is left but files. */
async function coldStart(): Promise<{
  agent: ChildProcessWithoutNullStreams;
  serving: number;
  welcomed: number;
}> {
  const began = performance.now();
  const agent = start(["agent", "run", "--folder", device]);
  const since = async (text: string): Promise<number> => {
    await lineWith(agent, text);
    return performance.now() - began;
  };
  const [serving, welcomed] = await Promise.all([since("agent started"), since("welcomed this device")]);
  return { agent, serving, welcomed };
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(selvedge, args, { stdio: "pipe" });
  child.stdin.end();
  children.push(child);
  return child;
}

/** The first line of either output, parsed, that has the text. */
async function lineWith(child: ChildProcessWithoutNullStreams, text: string): Promise<unknown> {
  const found = Promise.withResolvers<unknown>();
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => {
      if (line.startsWith("{") && line.includes(text)) found.resolve(JSON.parse(line));
    });
  }
  child.once("exit", () => found.reject(new Error(`${child.spawnargs.join(" ")} ended before "${text}"`)));
  return found.promise;
}

async function stop(child: ChildProcessWithoutNullStreams): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

/** The program itself: where the launcher is not replaced by it, its only child. */
function residentBytes(pid: number | undefined): number {
  const [child = String(pid)] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean);
  const status = readFileSync(`/proc/${child}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
