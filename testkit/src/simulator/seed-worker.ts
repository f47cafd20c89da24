// A thread of `simulateSeeds`: simulates each seed that it is sent, and answers with what became of it.

import { parentPort } from "node:worker_threads";
import type { FaultKind } from "./fault-rates.ts";
import { type SimulationReport, simulateFleet } from "./simulate-fleet.ts";

/** A report without its trace, which equal seeds give again. */
export interface SeedOutcome extends Omit<SimulationReport, "faults" | "trace"> {
  readonly faults: readonly (readonly [FaultKind, number])[];
  /** Processor time, milliseconds. */
  readonly cpuMs: number;
}

const port = parentPort;
port?.on("message", async (seed: number) => {
  const before = process.threadCpuUsage();
  const { faults, trace: _, ...report } = await simulateFleet({ seed });
  const { system, user } = process.threadCpuUsage(before);
  const outcome: SeedOutcome = { ...report, faults: [...faults], cpuMs: (system + user) / 1_000 };
  port.postMessage(outcome);
});
