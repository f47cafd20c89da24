// One thread of simulate-faults.ts: simulates each seed that it is sent, and answers with what became of it.

import { parentPort } from "node:worker_threads";
import { type FaultKind, type SimulationReport, simulateFleet } from "@selvedge/testkit";

export interface SeedOutcome
  extends Pick<SimulationReport, "seed" | "devices" | "jobs" | "violations" | "hash"> {
  readonly faults: readonly (readonly [FaultKind, number])[];
  readonly cpuMs: number;
}

const port = parentPort;
port?.on("message", async (seed: number) => {
  const before = process.threadCpuUsage();
  const { devices, faults, hash, jobs, violations } = await simulateFleet({ seed });
  const { system, user } = process.threadCpuUsage(before);
  const outcome: SeedOutcome = {
    seed,
    devices,
    jobs,
    violations,
    hash,
    faults: [...faults],
    cpuMs: (system + user) / 1_000,
  };
  port.postMessage(outcome);
});
