import { JobRecords } from "@selvedge/coordinator";
import { encodeStatistics, mergeStatistics } from "@selvedge/learning";
import { decodeSafetensors, encodeSafetensors, parseModel, readParameters } from "@selvedge/onnx";
import {
  type Digest,
  digestOf,
  evaluationReference,
  hasEnded,
  type JobState,
  type RoundSummary,
} from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import type { FleetObserver } from "./fleet-observer.ts";
import type { FleetPlan, Participant, SimulatedJob } from "./fleet-plan.ts";
import { recomputeMean, recomputeMedian } from "./recompute-weights.ts";
import { readState, type SimulatedDisk } from "./simulated-disk.ts";
import { layout, measurementOf, modelBytes, statisticsOf, updateOf, weightOf } from "./simulated-job.ts";

/** What became of one job. */
export interface JobOutcome {
  readonly job: string;
  readonly status: JobState["status"];
  readonly roundsCompleted: number;
  readonly contributions: number;
}

/** Holds jobs that have ended to everything that was promised while they ran. */
export async function checkJobs(
  plan: FleetPlan,
  disk: SimulatedDisk,
  observer: FleetObserver,
): Promise<readonly JobOutcome[]> {
  const outcomes: JobOutcome[] = [];
  for (const wanted of plan.jobs) {
    const job = readState<JobState>(disk, `job/state/${wanted.id}`);
    if (job === undefined) continue;
    const summaries = await new JobRecords(openMemoryStore(disk.records)).rounds(wanted.id);
    outcomes.push(new JobCheck(wanted, job, summaries, plan.participants, observer).check(disk));
  }
  return outcomes;
}

class JobCheck {
  readonly #wanted: SimulatedJob;
  readonly #job: JobState;
  readonly #summaries: readonly RoundSummary[];
  readonly #participants: readonly Participant[];
  readonly #observer: FleetObserver;

  constructor(
    wanted: SimulatedJob,
    job: JobState,
    summaries: readonly RoundSummary[],
    participants: readonly Participant[],
    observer: FleetObserver,
  ) {
    this.#wanted = wanted;
    this.#job = job;
    this.#summaries = summaries;
    this.#participants = participants;
    this.#observer = observer;
  }

  check(disk: SimulatedDisk): JobOutcome {
    const { status, roundsCompleted } = this.#job;
    this.#checkEnding();
    this.#checkAcknowledgements();
    this.#checkWeights(disk);
    this.#checkStatistics(disk);
    this.#checkEvaluations();
    const completed = this.#summaries.filter(
      (summary) => summary.status === "completed" && isTraining(summary),
    );
    if (completed.length !== roundsCompleted) {
      this.#violation(
        `AK5: ${completed.length} completed rounds in the archive, ${roundsCompleted} in the job`,
      );
    }
    const contributions = completed.reduce((sum, summary) => sum + contributorsOf(summary).length, 0);
    return { job: this.#wanted.id, status, roundsCompleted, contributions };
  }

  /** Rounds without a quorum are the faults' doing, and an operator may call it off; nothing else may end a job here. */
  #checkEnding(): void {
    const { reason, status } = this.#job;
    if (!hasEnded(this.#job)) this.#violation(`RC8: it is ${status}`);
    if (status === "failed" && !/rounds in a row failed/.test(reason ?? ""))
      this.#violation(`it failed: ${reason}`);
    if (status === "cancelled" && this.#wanted.cancelledAfter === undefined)
      this.#violation("it was cancelled by nobody");
  }

  /** AK5, first half: who was told "accepted" is among those that counted. */
  #checkAcknowledgements(): void {
    for (const { device, job, round, digest } of this.#observer.acknowledged) {
      if (job !== this.#wanted.id) continue;
      const summary = this.#summaries.find(({ number }) => number === round);
      if (summary === undefined) this.#violation(`AK5: round ${round} took a contribution and has no record`);
      if (summary?.status !== "completed") continue;
      const member = summary.members[device];
      if (member?.status === "contributed" && member.digest === digest) continue;
      if (member?.status === "excluded" && this.#observer.rounds.isRevoked(device)) continue;
      this.#violation(`AK5: ${device} was told "accepted" for round ${round} and did not count`);
    }
  }

  /** AK5, second half: the weights are those that exactly these contributions make. */
  #checkWeights({ files }: SimulatedDisk): void {
    const { base } = this.#job;
    const recompute = this.#wanted.isRobust ? recomputeMedian : recomputeMean;
    let expected: Float32Array = readParameters(parseModel(modelBytes), layout);
    for (const summary of this.#summaries) {
      this.#checkDigests(summary, expected);
      if (summary.status === "completed" && isTraining(summary))
        expected = recompute(expected, summary, this.#participants);
    }
    const stored = files.blobs.get(base.weights.digest);
    const actual = stored && decodeSafetensors(stored, layout);
    const wrong = expected.findIndex((value, index) => !Object.is(value, actual?.[index]));
    if (wrong !== -1)
      this.#violation(
        `AK5: weight ${wrong} is ${actual?.[wrong]}, the contributions make ${expected[wrong]}`,
      );
  }

  /** AK5 for statistics: what the job scales by is the sum of what exactly these devices said. */
  #checkStatistics({ files }: SimulatedDisk): void {
    const round = this.#summaries.find(({ kind, status }) => status === "completed" && kind === "statistics");
    const counted = this.#participants.filter(({ id }) => round?.members[id]?.status === "contributed");
    const [first, ...rest] = counted.map(statisticsOf);
    const stored = this.#job.statistics?.digest;
    const expected = first && digestOf(encodeStatistics(rest.reduce(mergeStatistics, first)));
    const isThere = expected === undefined || files.blobs.has(expected);
    if (expected !== stored || !isThere)
      this.#violation("AK5: the statistics are not the sum of what was counted");
  }

  /** AK5 for evaluations: the figures are of exactly those devices, and of the same model. */
  #checkEvaluations(): void {
    for (const { federated, kind, members, modelVersion, number, status } of this.#summaries) {
      if (kind !== "evaluate" || status !== "completed") continue;
      const counted = this.#participants.filter(({ id }) => members[id]?.status === "contributed");
      const examples = counted.reduce((sum, participant) => sum + weightOf(participant), 0);
      if (federated.eval_examples === examples && federated.eval_loss === 0.5 && modelVersion === 0) continue;
      this.#violation(
        `AK5: the figures of round ${number} are not those of the ${counted.length} that counted`,
      );
    }
  }

  /** What counted is what the device made, from this round's own base. */
  #checkDigests(summary: RoundSummary, base: Float32Array): void {
    for (const participant of this.#participants) {
      const member = summary.members[participant.id];
      if (member?.status !== "contributed") continue;
      if (madeBy(participant, summary, base) === member.digest) continue;
      this.#violation(`AK5: ${participant.id} counted in round ${summary.number} with bytes it did not make`);
    }
  }

  #violation(text: string): void {
    this.#observer.violation(`${this.#wanted.id}: ${text}`);
  }
}

function madeBy(participant: Participant, { kind, number }: RoundSummary, base: Float32Array): Digest {
  switch (kind) {
    case "evaluate":
      return evaluationReference(measurementOf(participant)).digest;
    case "statistics":
      return digestOf(encodeStatistics(statisticsOf(participant)));
    default:
      return digestOf(encodeSafetensors(layout, updateOf(participant, number, base)));
  }
}

function isTraining({ kind }: RoundSummary): boolean {
  return kind === undefined;
}

function contributorsOf({ members }: RoundSummary): string[] {
  return Object.entries(members).flatMap(([device, { status }]) => (status === "contributed" ? device : []));
}
