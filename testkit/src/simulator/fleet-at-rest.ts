import { blobsOf } from "@selvedge/agent";
import { type Digest, hasEnded, type JobState } from "@selvedge/protocol";
import type { FleetObserver } from "./fleet-observer.ts";
import type { FleetPlan } from "./fleet-plan.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import type { SimulatedDevice } from "./simulated-device.ts";
import { readState, type SimulatedDisk } from "./simulated-disk.ts";
import { modelName, type SimulatedOperator } from "./simulated-operator.ts";

export interface Fleet {
  readonly plan: FleetPlan;
  readonly coordinator: SimulatedCoordinator;
  readonly devices: readonly SimulatedDevice[];
  readonly operator: SimulatedOperator;
  readonly observer: FleetObserver;
}

/** What is left to do, as far as the disks tell; empty = the fleet is at rest. */
export function workLeft({ plan, coordinator, devices, operator, observer }: Fleet): string[] {
  const jobs = plan.jobs.flatMap(({ id }) => {
    const job = readState<JobState>(coordinator.disk, `job/state/${id}`);
    return job !== undefined && hasEnded(job) ? [] : [`${id} is ${job?.status ?? "not there"}`];
  });
  const members = devices.filter(({ name }) => !observer.rounds.isRevoked(name));
  const tasks = members.flatMap((device) => [
    ...device.state.tasks.map(({ offer, phase }) => `${device.name} has round ${offer.round} ${phase}`),
    ...effectsLeft(device.name, device.disk, "task"),
  ]);
  const newest = operator.newestRelease;
  const behind = members.flatMap(({ name }) => {
    const served = observer.servedVersion(name, modelName);
    return served === newest ? [] : [`${name} serves ${modelName}@${served ?? "nothing"}, not ${newest}`];
  });
  const effects = effectsLeft("coordinator", coordinator.disk, "job");
  return [
    ...operator.plans.map((what) => `the operator has to ${what}`),
    ...jobs,
    ...effects,
    ...tasks,
    ...behind,
  ];
}

/** Storage is reclaimed (ST5): after a sweep a fleet at rest keeps only what something names. */
export function checkStorage(fleet: Fleet, sweptBy: string): void {
  const { coordinator, devices, observer, operator } = fleet;
  const check = (node: string, disk: SimulatedDisk, named: Iterable<string | undefined>): void => {
    const needed = new Set(named);
    for (const digest of disk.files.blobs.keys()) {
      if (needed.has(digest)) continue;
      observer.violation(`ST5: after ${sweptBy} ${node} keeps a blob that nothing needs: ${digest}`);
    }
  };
  for (const { disk, name, state } of devices) {
    const installed = readState<Slots>(disk, `installed/${modelName}`);
    check(name, disk, [...blobsOf(state), installed?.current.digest, installed?.previous?.digest]);
  }
  check("coordinator", coordinator.disk, [...namedByJobs(fleet), ...operator.releasedDigests]);
}

interface Slots {
  readonly current: { readonly digest: Digest };
  readonly previous: { readonly digest: Digest } | null;
}

function namedByJobs({ plan, coordinator }: Fleet): (string | undefined)[] {
  return plan.jobs.flatMap(({ id }) => {
    const job = readState<JobState>(coordinator.disk, `job/state/${id}`);
    if (job === undefined) return [];
    const blobs = [
      job.base.weights,
      job.model,
      job.optimizerState,
      job.statistics,
      job.plan.body,
      job.plan.model,
    ];
    return blobs.map((blob) => blob?.digest);
  });
}

function effectsLeft(node: string, disk: SimulatedDisk, kind: string): string[] {
  const keys = [...disk.records.keys()].filter((key) => key.startsWith(`${kind}/effect/`));
  return keys.map((key) => `${node} has to ${readState<{ type: string }>(disk, key)?.type}`);
}
