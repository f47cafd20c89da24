import { checkJobs, type JobOutcome } from "./check-outcome.ts";
import { FaultPlan } from "./fault-plan.ts";
import type { FaultKind } from "./fault-rates.ts";
import { checkStorage, type Fleet, workLeft } from "./fleet-at-rest.ts";
import { FleetObserver } from "./fleet-observer.ts";
import { drawFleet } from "./fleet-plan.ts";
import { FleetTrace } from "./fleet-trace.ts";
import { type Plant, SimulatedCoordinator } from "./simulated-coordinator.ts";
import { SimulatedDevice } from "./simulated-device.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedOperator } from "./simulated-operator.ts";
import { startAt } from "./simulated-releases.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface SimulationOptions {
  /** Equal seeds give equal histories. */
  readonly seed: number;
  /** A bug to plant into the coordinator. */
  readonly plant?: Plant;
}

export interface SimulationReport {
  readonly seed: number;
  readonly devices: number;
  readonly jobs: readonly JobOutcome[];
  /** Promises that were broken, most after the id of their rule in SPEC.md; none = all is well. */
  readonly violations: readonly string[];
  /** How often each struck. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** What happened, a line each. */
  readonly trace: readonly string[];
  /** SHA-256 of the trace. */
  readonly hash: string;
  /** How long it took in virtual time, milliseconds. */
  readonly durationMs: number;
}

/**
 * Runs one or two jobs on one coordinator and a fleet whose size the seed draws:
 * production code throughout, on a virtual clock, in-memory links and in-memory
 * disks, with faults of every kind drawn from the seed. The trouble ends after some
 * minutes; then everything must come to rest, add up, and outlive one more restart.
 */
export async function simulateFleet({ seed, plant }: SimulationOptions): Promise<SimulationReport> {
  const time = new VirtualTime(startAt);
  const trace = new FleetTrace(time);
  const observer = new FleetObserver(trace, time);
  const plan = drawFleet(seed);
  const machines = plan.participants.length + 1;
  const faults = new FaultPlan({ seed, time, trace, machines, durationMs: plan.troubleMs });
  const parts = { seed, time, trace, observer, faults };
  const coordinator = new SimulatedCoordinator(parts, plant);
  const names = plan.participants.map(({ id }) => id);
  await coordinator.enrol(names);
  const network = new SimulatedNetwork({ ...parts, coordinator, devices: names });
  const world = { ...parts, coordinator, network };
  const devices = plan.participants.map((participant) => new SimulatedDevice(participant, world));
  const operator = new SimulatedOperator(parts, coordinator);
  operator.releasesFirst(plan.releasedAfter);
  for (const job of plan.jobs) operator.runs(job);
  for (const revocation of plan.revocations) operator.revokes(revocation);
  for (const node of [coordinator, ...devices]) node.start();
  const fleet: Fleet = { plan, coordinator, devices, operator, observer };
  await rest(fleet, time, faults.endsAt);
  const jobs = await checkJobs(plan, coordinator.disk, observer);
  // A sweep of a large fleet takes long to wait for: there the next start has to do.
  if (devices.length <= 100) {
    await time.runUntil(() => false, time.now + sweptMs);
    checkStorage(fleet, "a sweep");
  }
  for (const node of [coordinator, ...devices]) node.kill();
  await rest(fleet, time, time.now + restartMs);
  checkStorage(fleet, "a start");
  for (const node of [coordinator, ...devices]) node.kill();
  return {
    seed,
    devices: devices.length,
    jobs,
    violations: observer.violations,
    faults: faults.counts,
    trace: trace.lines,
    hash: trace.hash(),
    durationMs: time.now - startAt,
  };
}

/** Lets time pass until nothing is left to do for a while, at the earliest until `from`. */
async function rest(fleet: Fleet, time: VirtualTime, from: number): Promise<void> {
  const { coordinator, observer } = fleet;
  let restsSince: number | undefined;
  const isDone = (): boolean => {
    observer.rounds.checkDeadlines(coordinator.isUp && !coordinator.disk.isFull);
    if (time.now < from || workLeft(fleet).length > 0) restsSince = undefined;
    else restsSince ??= time.now;
    return restsSince !== undefined && time.now >= restsSince + settleMs;
  };
  if (await time.runUntil(isDone, from + restWithinMs)) return;
  const left = workLeft(fleet);
  const shown = left.slice(0, 10).join(", ");
  observer.violation(
    `the fleet does not come to rest: ${shown}${left.length > 10 ? ` and ${left.length - 10} more` : ""}`,
  );
}

/** The longest pause between two dials (5 min), and then two minutes for each round that can still fail or complete. */
const restWithinMs = 1_200_000;
/** What was just done is durable within this. */
const settleMs = 10_000;
/** What is of no use is swept every ten minutes, once it has been so for a minute. */
const sweptMs = 1_300_000;
/** Within this everything has started again, and dialled. */
const restartMs = 60_000;
