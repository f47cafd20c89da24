/**
 * One coordinator and many connected devices: real processes, sockets and TLS, the agent's own session code.
 * Run with `npm run bench -- fleet [--agents 10000] [--crowds 4] [--check-ins 1000]`: a table, and last one line of JSON.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { FromCrowd, ToCrowd } from "./fleet/agent-crowd.ts";
import { prepareFleet } from "./fleet/prepare-fleet.ts";
import { type StartedCoordinator, startCoordinator } from "./start-coordinator.ts";

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "10000" },
    crowds: { type: "string", default: "4" },
    "check-ins": { type: "string", default: "1000" },
  },
});
const agents = Number(values.agents);
const crowdCount = Number(values.crowds);
const checkIns = Number(values["check-ins"]);
const folder = mkdtempSync(join(tmpdir(), "selvedge-bench-"));
const children: ChildProcess[] = [];

try {
  const result = await measure();
  console.table(
    Object.entries(result).map(([figure, value]) => ({ figure, value: Math.round(value * 100) / 100 })),
  );
  console.log(JSON.stringify({ benchmark: "fleet", ...result }));
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<Record<string, number>> {
  const { devices, trust } = await prepareFleet(folder, agents);
  let coordinator = await coordinatorOn(0);
  await sleep(2_000);
  const emptyBytes = residentBytes(coordinator.child);
  const crowds = Array.from({ length: crowdCount }, startCrowd);

  const connecting = performance.now();
  const ramp = await Promise.all(
    crowds.map(({ ask }, index) =>
      ask({
        type: "connect",
        url: `https://127.0.0.1:${coordinator.port}`,
        trust,
        devices: devices.filter((_, device) => device % crowdCount === index),
        concurrency: 16,
      }),
    ),
  );
  const connectSeconds = (performance.now() - connecting) / 1_000;
  // Longer than a link must last for the backoff to begin anew.
  await sleep(15_000);
  const connectedBytes = residentBytes(coordinator.child);

  const rest = (
    await Promise.all(crowds.map(({ ask }) => ask({ type: "checkIn", count: checkIns / crowdCount })))
  ).flat();
  // Links that have just begun would back off longer than a fleet at rest does.
  await sleep(15_000);

  const { port } = coordinator;
  coordinator.child.kill("SIGKILL");
  await once(coordinator.child, "exit");
  await Promise.all(crowds.map(({ ask }) => ask({ type: "countAnew" })));
  const restarting = performance.now();
  coordinator = await coordinatorOn(port);
  const startSeconds = (performance.now() - restarting) / 1_000;
  const back = await recovery(crowds, restarting);
  return {
    agents,
    connectSeconds,
    connectsPerSecond: agents / connectSeconds,
    rampP50Ms: quantile(ramp.flat(), 0.5),
    rampP99Ms: quantile(ramp.flat(), 0.99),
    checkInP50Ms: quantile(rest, 0.5),
    checkInP99Ms: quantile(rest, 0.99),
    coordinatorEmptyMiB: emptyBytes / 1_048_576,
    coordinatorConnectedMiB: connectedBytes / 1_048_576,
    kibibytesPerAgent: (connectedBytes - emptyBytes) / 1_024 / agents,
    stormStartSeconds: startSeconds,
    stormHalfBackSeconds: back.half,
    storm99PercentBackSeconds: back.most,
    stormAllBackSeconds: back.all,
    stormResidentMiB: residentBytes(coordinator.child) / 1_048_576,
  };
}

async function coordinatorOn(port: number): Promise<StartedCoordinator> {
  const coordinator = await startCoordinator(folder, port);
  children.push(coordinator.child);
  return coordinator;
}

interface Crowd {
  /** Devices with a session, as of the last tenth of a second. */
  connected(): number;
  /** Milliseconds each check-in took, once all are done. */
  ask(message: ToCrowd): Promise<readonly number[]>;
}

function startCrowd(): Crowd {
  const child = fork(join(import.meta.dirname, "fleet/agent-crowd.ts"));
  children.push(child);
  let connected = 0;
  let answer: ((latencies: readonly number[]) => void) | undefined;
  child.on("message", (message: FromCrowd) => {
    if (message.type === "connected") connected = message.count;
    else answer?.(message.latencies);
  });
  return {
    connected: () => connected,
    ask(message) {
      child.send(message);
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  };
}

/** Seconds since `began` until half, 99 % and all of the devices have a session again. */
async function recovery(
  crowds: readonly Crowd[],
  began: number,
): Promise<{ half: number; most: number; all: number }> {
  const reached = async (count: number): Promise<number> => {
    while (crowds.reduce((sum, crowd) => sum + crowd.connected(), 0) < count) await sleep(50);
    return (performance.now() - began) / 1_000;
  };
  const half = await reached(agents / 2);
  const most = await reached(agents * 0.99);
  return { half, most, all: await reached(agents) };
}

function residentBytes({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
