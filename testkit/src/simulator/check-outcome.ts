import { blobsOf } from "@selvedge/agent";
import { JobRecords } from "@selvedge/coordinator";
import { encodeStatistics, mergeStatistics } from "@selvedge/learning";
import { decodeSafetensors, encodeSafetensors, parseModel, readParameters } from "@selvedge/onnx";
import { digestOf, hasEnded, type JobState, type RoundSummary } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { type FleetObserver, readState } from "./fleet-observer.ts";
import { recomputeWeights } from "./recompute-weights.ts";
import type { SimulatedDevice } from "./simulated-device.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { jobId, layout, modelBytes, participants, statisticsOf, updateOf } from "./simulated-job.ts";

export interface Outcome {
  readonly status: JobState["status"] | "none";
  readonly roundsCompleted: number;
  readonly contributions: number;
}

/** What is left to do, as far as the disks tell; empty = the fleet is at rest. */
export function workLeft(coordinator: SimulatedDisk, devices: readonly SimulatedDevice[]): string[] {
  const job = readState<JobState>(coordinator, `job/state/${jobId}`);
  const ended = job !== undefined && hasEnded(job) ? [] : [`the job is ${job?.status ?? "not there"}`];
  const effects = effectsLeft("coordinator", coordinator, "job");
  const tasks = devices.flatMap((device) => [
    ...device.state.tasks.map(({ offer, phase }) => `${device.name} has round ${offer.round} ${phase}`),
    ...effectsLeft(device.name, device.disk, "task"),
  ]);
  return [...ended, ...effects, ...tasks];
}

/** Holds a fleet that has come to rest to everything that was promised while it ran. */
export async function checkOutcome(
  coordinator: SimulatedDisk,
  devices: readonly SimulatedDevice[],
  observer: FleetObserver,
): Promise<Outcome> {
  const job = readState<JobState>(coordinator, `job/state/${jobId}`);
  if (job === undefined) return { status: "none", roundsCompleted: 0, contributions: 0 };
  const summaries = await new JobRecords(openMemoryStore(coordinator.records)).rounds(jobId);
  // Rounds without a quorum are the faults' doing; nothing else may end a job here.
  if (job.status === "failed" && !/rounds in a row failed/.test(job.reason ?? "")) {
    observer.violation(`the job failed: ${job.reason}`);
  }
  checkAcknowledgements(summaries, observer);
  checkWeights(job, summaries, coordinator, observer);
  checkLeftovers(job, coordinator, devices, observer);
  checkStatistics(job, summaries, coordinator, observer);
  const completed = summaries.filter(({ kind, status }) => status === "completed" && kind === undefined);
  if (completed.length !== job.roundsCompleted) {
    observer.violation(
      `AK5: ${completed.length} completed rounds in the archive, ${job.roundsCompleted} in the job`,
    );
  }
  return {
    status: job.status,
    roundsCompleted: completed.length,
    contributions: completed.flatMap(({ members }) =>
      Object.values(members).filter(({ status }) => status === "contributed"),
    ).length,
  };
}

/** AK5, first half: who was told "accepted" is among those that counted. */
function checkAcknowledgements(summaries: readonly RoundSummary[], observer: FleetObserver): void {
  for (const { device, round, digest } of observer.acknowledged) {
    const summary = summaries.find(({ number }) => number === round);
    if (summary === undefined)
      observer.violation(`AK5: round ${round} took a contribution and has no record`);
    const member = summary?.members[device];
    if (summary?.status !== "completed") continue;
    if (member?.status === "contributed" && member.digest === digest) continue;
    observer.violation(`AK5: ${device} was told "accepted" for round ${round} and did not count`);
  }
}

/** AK5, second half: the weights are those that exactly these contributions make. */
function checkWeights(
  job: JobState,
  summaries: readonly RoundSummary[],
  { blobs }: SimulatedDisk,
  observer: FleetObserver,
): void {
  const initial = readParameters(parseModel(modelBytes), layout);
  const stored = blobs.blobs.get(job.base.weights.digest);
  if (stored === undefined) {
    observer.violation("the job's weights are not on its disk");
    return;
  }
  const expected = recomputeWeights(initial, summaries);
  const actual = decodeSafetensors(stored, layout);
  const wrong = expected.findIndex((value, index) => !Object.is(value, actual[index]));
  if (wrong !== -1) {
    observer.violation(`AK5: weight ${wrong} is ${actual[wrong]}, the contributions make ${expected[wrong]}`);
  }
  let base: Float32Array = initial;
  for (const [index, summary] of summaries.entries()) {
    checkDigests(summary, base, observer);
    base = recomputeWeights(initial, summaries.slice(0, index + 1));
  }
}

/** AK5 for statistics: what the job scales by is the sum of what exactly these devices said. */
function checkStatistics(
  job: JobState,
  summaries: readonly RoundSummary[],
  { blobs }: SimulatedDisk,
  observer: FleetObserver,
): void {
  const round = summaries.find(({ kind, status }) => kind === "statistics" && status === "completed");
  const counted = participants.filter(({ id }) => round?.members[id]?.status === "contributed");
  const [first, ...rest] = counted.map(statisticsOf);
  const isExpected = first !== undefined;
  if (isExpected !== (job.statistics !== undefined)) {
    observer.violation("AK5: statistics without a round, or a round without statistics");
  }
  if (first === undefined || job.statistics === undefined) return;
  const expected = digestOf(encodeStatistics(rest.reduce(mergeStatistics, first)));
  if (expected !== job.statistics.digest || !blobs.blobs.has(expected)) {
    observer.violation("AK5: the statistics are not the sum of what was counted");
  }
}

/** What counted is what the device made, from this round's own base. */
function checkDigests(summary: RoundSummary, base: Float32Array, observer: FleetObserver): void {
  for (const participant of participants) {
    const member = summary.members[participant.id];
    if (member?.status !== "contributed") continue;
    const made = digestOf(
      summary.kind === "statistics"
        ? encodeStatistics(statisticsOf(participant))
        : encodeSafetensors(layout, updateOf(participant, summary.number, base)),
    );
    if (made !== member.digest) {
      observer.violation(
        `AK5: ${participant.id} counted in round ${summary.number} with bytes it did not make`,
      );
    }
  }
}

/** What nothing needs is deleted, but for two kinds of file that stay until the next start sweeps them away. */
function checkLeftovers(
  job: JobState,
  coordinator: SimulatedDisk,
  devices: readonly SimulatedDevice[],
  observer: FleetObserver,
): void {
  for (const device of devices) {
    const needed = new Set([digestOf(modelBytes), ...blobsOf(device.state)]);
    for (const digest of device.disk.blobs.blobs.keys()) {
      if (!needed.has(digest))
        observer.violation(`${device.name} keeps a blob that nothing needs: ${digest}`);
    }
  }
  const { base, model, optimizerState, plan, statistics = null } = job;
  const needed: ReadonlySet<string> = new Set(
    [base.weights, model, optimizerState, statistics, plan.body, plan.model].flatMap(
      (blob) => blob?.digest ?? [],
    ),
  );
  for (const [digest, bytes] of coordinator.blobs.blobs) {
    if (needed.has(digest) || observer.unsubmitted.has(digest) || isConfiguration(bytes)) continue;
    observer.violation(`the coordinator keeps a blob that nothing needs: ${digest}`);
  }
}

/** Small, and the same for every round of a size. */
function isConfiguration(bytes: Uint8Array): boolean {
  return /^\{"(?:normaliser|aggregator|phase)"/.test(Buffer.from(bytes).toString("latin1"));
}

function effectsLeft(node: string, disk: SimulatedDisk, kind: string): string[] {
  const keys = [...disk.records.keys()].filter((key) => key.startsWith(`${kind}/effect/`));
  return keys.map((key) => `${node} has to ${readState<{ type: string }>(disk, key)?.type}`);
}
