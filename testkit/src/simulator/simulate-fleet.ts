import { checkOutcome, type Outcome, workLeft } from "./check-outcome.ts";
import { type FaultKind, FaultPlan } from "./fault-plan.ts";
import { FleetObserver } from "./fleet-observer.ts";
import { FleetTrace } from "./fleet-trace.ts";
import { type PlantedHooks, SimulatedCoordinator } from "./simulated-coordinator.ts";
import { SimulatedDevice } from "./simulated-device.ts";
import { participants } from "./simulated-job.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface SimulationOptions {
  /** Equal seeds give equal histories. */
  readonly seed: number;
  /** A bug to plant into the coordinator's journal. */
  readonly planted?: PlantedHooks;
}

export interface SimulationReport extends Outcome {
  readonly seed: number;
  /** Promises that were broken, each after the id of its rule in SPEC.md; none = all is well. */
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** What happened, a line each. */
  readonly trace: readonly string[];
  /** SHA-256 of the trace. */
  readonly hash: string;
  /** How long it took in virtual time, milliseconds. */
  readonly durationMs: number;
}

/**
 * Runs one job of three rounds on one coordinator and five devices: production
 * code throughout, on a virtual clock, in-memory links and in-memory disks, with
 * losses, delays, cuts, failures and kills drawn from the seed. The trouble ends
 * after three minutes; then everything must come to rest, and add up.
 */
export async function simulateFleet({ seed, planted }: SimulationOptions): Promise<SimulationReport> {
  const time = new VirtualTime(startAt);
  const trace = new FleetTrace(time);
  const observer = new FleetObserver(trace);
  const faults = new FaultPlan(seed, time, faultyMs, trace);
  const parts = { seed, time, trace, observer, faults };
  const coordinator = new SimulatedCoordinator(parts, planted);
  const network = new SimulatedNetwork({ ...parts, coordinator });
  const devices = participants.map((participant) => new SimulatedDevice(participant, parts, network));
  for (const node of [coordinator, ...devices]) node.start();
  const left = (): string[] => workLeft(coordinator.disk, devices);
  const isDone = (): boolean => !faults.active && left().length === 0;
  const rests = await time.runUntil(isDone, faults.endsAt + restWithinMs);
  if (!rests) observer.violation(`the fleet does not come to rest: ${left().join(", ")}`);
  const outcome = await checkOutcome(coordinator.disk, devices, observer);
  return {
    ...outcome,
    seed,
    violations: observer.violations,
    faults: faults.counts,
    trace: trace.lines,
    hash: trace.hash(),
    durationMs: time.now - startAt,
  };
}

const startAt = Date.UTC(2030, 0, 1);
const faultyMs = 180_000;
/** The longest pause between two dials (5 min), and then a minute for each round that can still fail or complete. */
const restWithinMs = 1_200_000;
