import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Side } from "../side.ts";
import { main, startCoordinator } from "../start-coordinator.ts";
import { benchedJob } from "./benched-job.ts";
import type { StartAgents } from "./no-op-agents.ts";
import type { Rounds } from "./rounds.ts";

export interface OurRoundsOptions {
  readonly devices: number;
  /** Processes that the devices' agents share. */
  readonly processes: number;
  readonly rounds: number;
}

/** A coordinator, agents that train nothing, and a job over all of them: TLS, journals and signatures as always. */
export async function ourRounds({ devices, processes, rounds }: OurRoundsOptions): Promise<Rounds> {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
  const coordinator = await startCoordinator(folder);
  const agents: Side[] = [];
  const run = async (...args: readonly string[]): Promise<string> => {
    const line = [main, ...args, "--state", folder];
    return (await promisify(execFile)(process.execPath, line, { maxBuffer: 2 ** 30 })).stdout;
  };
  try {
    const url = `https://127.0.0.1:${coordinator.port}`;
    const token = (await run("token", "create", "--uses", String(devices))).trim();
    const share = devices / processes;
    for (let index = 0; index < processes; index++) {
      const first = Math.round(index * share);
      const count = Math.round((index + 1) * share) - first;
      const agent = new Side(process.execPath, join(import.meta.dirname, "no-op-agents.ts"));
      agents.push(agent);
      const start: StartAgents = { url, token, folder, first, count };
      await agent.ask(start);
    }
    const job = join(folder, "job.yaml");
    writeFileSync(job, benchedJob(devices, rounds));
    return closingTimes(await run("job", "run", job, "--watch", "--json"), rounds);
  } finally {
    for (const agent of agents) agent.kill();
    const ended = once(coordinator.child, "exit");
    coordinator.child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From what `job run --watch --json` prints, a line for each round that ended. */
function closingTimes(output: string, rounds: number): Rounds {
  const times: number[] = [];
  for (const line of output.trim().split("\n")) {
    const { round } = JSON.parse(line) as {
      readonly round?: { readonly status: string; readonly closedAtMs?: string | number };
    };
    const closedAt = Number(round?.closedAtMs ?? 0);
    if (closedAt > 0) times.push(closedAt / 1_000);
  }
  if (times.length !== rounds)
    throw new Error(`${times.length} of ${rounds} rounds ended:\n${output.slice(-2_000)}`);
  return { modelThere: times };
}
