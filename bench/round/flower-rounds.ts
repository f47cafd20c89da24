import { type ChildProcess, execFile, type StdioOptions, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Rounds } from "./rounds.ts";

export interface FlowerRoundsOptions {
  /** Folder of the virtual environment's programs. */
  readonly programs: string;
  readonly clients: number;
  readonly rounds: number;
}

const app = join(import.meta.dirname, "../peers/flower-round");

/** A SuperLink and a SuperNode for each client, without TLS, and the app over all of them. */
export async function flowerRounds({ programs, clients, rounds }: FlowerRoundsOptions): Promise<Rounds> {
  const folder = mkdtempSync(join(tmpdir(), "flower-bench-"));
  const children: ChildProcess[] = [];
  const env = flowerEnvironment(programs, folder);
  const log = join(folder, "superlink.log");
  const start = (program: string, args: readonly string[], output: string): void => {
    const file = openSync(output, "a");
    // A group of its own, so that what it starts ends with it.
    const stdio: StdioOptions = ["ignore", file, file];
    children.push(spawn(join(programs, program), args, { env, cwd: folder, detached: true, stdio }));
    closeSync(file);
  };
  try {
    const port = await freePort();
    const link = `127.0.0.1:${port}`;
    start(
      "flower-superlink",
      ["--insecure", "--port", String(port), "--disable-runtime-dependency-installation"],
      log,
    );
    await until(() => readFileSync(log, "utf8").includes("Uvicorn running"), "the SuperLink runs");
    for (let client = 0; client < clients; client++) {
      const own = ["--port", String(await freePort())];
      start(
        "flower-supernode",
        ["--insecure", "--superlink", link, ...own],
        join(folder, `node-${client}.log`),
      );
    }
    const activated = (): number => readFileSync(log, "utf8").split("Activated node_id").length - 1;
    await until(() => activated() >= clients, "all SuperNodes are there");
    writeFileSync(
      join(folder, "config.toml"),
      `[superlink]\ndefault = "bench"\n[superlink.bench]\naddress = "${link}"\ninsecure = true\n`,
    );
    const settings = `rounds=${rounds} clients=${clients}`;
    const { stdout } = await promisify(execFile)(
      join(programs, "flwr"),
      ["run", app, "bench", "--stream", "--run-config", settings],
      { env, maxBuffer: 2 ** 30 },
    );
    return closingTimes(stdout, rounds);
  } finally {
    for (const { pid } of children) if (pid !== undefined) process.kill(-pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Its own simulation, which runs the clients in processes of Ray on this machine, without a network. */
export async function flowerSimulation({ programs, clients, rounds }: FlowerRoundsOptions): Promise<Rounds> {
  const folder = mkdtempSync(join(tmpdir(), "flower-bench-"));
  try {
    const env = flowerEnvironment(programs, folder);
    const { stdout, stderr } = await promisify(execFile)(
      join(programs, "python"),
      [join(app, "simulate.py"), String(clients), String(rounds)],
      { env, maxBuffer: 2 ** 30 },
    );
    return closingTimes(stdout + stderr, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

function closingTimes(output: string, rounds: number): Rounds {
  const times = [...output.matchAll(/model-there (\d+) ([\d.]+)/g)].filter(([, round]) => round !== "0");
  if (times.length !== rounds)
    throw new Error(`${times.length} of ${rounds} rounds ended:\n${output.slice(-4_000)}`);
  return { modelThere: times.map(([, , time]) => Number(time)) };
}

/** A home of its own, no telemetry, and without what this environment may set for old builds of OpenBLAS. */
function flowerEnvironment(programs: string, folder: string): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...env } = process.env;
  mkdirSync(join(folder, "home"));
  return {
    ...env,
    PATH: `${programs}:${env.PATH ?? ""}`,
    HOME: join(folder, "home"),
    FLWR_HOME: folder,
    FLWR_TELEMETRY_ENABLED: "0",
    RAY_DISABLE_IMPORT_WARNING: "1",
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 120_000;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within two minutes: ${what}`);
    await sleep(100);
  }
}
