import { SeededRandom } from "@selvedge/protocol";

/** A device's private data, as far as the simulation goes. */
export interface Participant {
  readonly id: string;
  /** Equal data make equal updates, which share one blob; null = there is nothing to learn from it. */
  readonly data: number | null;
  readonly examples: number;
  readonly datasets: readonly string[];
}

/** A job as its operator wants it. Times are milliseconds. */
export interface SimulatedJob {
  readonly id: string;
  readonly dataset: string;
  readonly rounds: number;
  readonly cohort: number;
  readonly quorum: number;
  readonly deadlineMs: number;
  readonly graceMs: number;
  readonly isEvaluated: boolean;
  /** Whether a round for statistics of columns comes before those that train. */
  readonly gathersStatistics: boolean;
  /** Whether devices measure what comes of each of its rounds, in a round for that. */
  readonly measures: boolean;
  /** Whether devices keep something for it from round to round. */
  readonly keeps: boolean;
  /** Whether updates wait for each other, of which the median is taken. */
  readonly isRobust: boolean;
  /** After the start of the simulation. */
  readonly submittedAfter: number;
  /** undefined = never. */
  readonly cancelledAfter: number | undefined;
}

export interface FleetPlan {
  readonly participants: readonly Participant[];
  readonly jobs: readonly SimulatedJob[];
  /** For how long there is trouble. */
  readonly troubleMs: number;
  readonly revocations: readonly Revocation[];
  /** After the start of the simulation the model that jobs start from is released. */
  readonly releasedAfter: number;
}

/** A device that its operator puts out of the fleet, milliseconds after the start of the simulation. */
export interface Revocation {
  readonly device: string;
  readonly after: number;
}

/** Mostly 5 to 20 devices with one or two jobs, now and then some hundreds. */
export function drawFleet(seed: number): FleetPlan {
  const random = SeededRandom.fromSeed("fleet", seed);
  const size = drawSize(random);
  const participants = drawParticipants(random, size);
  const revocations = drawRevocations(SeededRandom.fromSeed("revocations", seed), participants);
  const gone = new Set(revocations.map(({ device }) => device));
  const remaining = participants.filter(({ id }) => !gone.has(id));
  const hasTwoJobs = size < 100 && random.uniform() < 0.3;
  const datasets = hasTwoJobs ? ["readings", "events"] : ["readings"];
  return {
    participants,
    jobs: datasets.map((dataset, index) => drawJob(random, dataset, index, { participants, remaining })),
    troubleMs: 60_000 + random.integer(180_000),
    releasedAfter: random.integer(120_000),
    revocations,
  };
}

function drawSize(random: SeededRandom): number {
  const kind = random.uniform();
  if (kind < 0.93) return 5 + random.integer(16);
  if (kind < 0.99) return 21 + random.integer(60);
  return 200 + random.integer(301);
}

function drawParticipants(random: SeededRandom, size: number): Participant[] {
  return Array.from({ length: size }, (_, index) => {
    const kind = random.uniform();
    const twin = random.integer(index + 1);
    const data = kind < 0.1 ? null : kind < 0.3 ? twin : index;
    return {
      id: `d${String(index + 1).padStart(3, "0")}`,
      data,
      // Statistics of fewer than ten rows are given to nobody.
      examples: 10 + random.integer(90),
      datasets: index < steadyDevices || random.uniform() < 0.6 ? ["readings", "events"] : ["readings"],
    };
  });
}

/** Of every fourth fleet one to three devices. */
function drawRevocations(random: SeededRandom, participants: readonly Participant[]): Revocation[] {
  if (random.uniform() >= 0.25) return [];
  const devices = participants.slice(steadyDevices).map(({ id }) => id);
  random.shuffle(devices);
  return devices
    .slice(0, 1 + random.integer(3))
    .map((device) => ({ device, after: 5_000 + random.integer(150_000) }));
}

function drawJob(
  random: SeededRandom,
  dataset: string,
  index: number,
  { participants, remaining }: Record<"participants" | "remaining", readonly Participant[]>,
): SimulatedJob {
  const ableOf = (devices: readonly Participant[]): number =>
    devices.filter(({ datasets }) => datasets.includes(dataset)).length;
  const able = ableOf(participants);
  const cohort = random.uniform() < 0.5 ? able : 1 + random.integer(able);
  const rounds = participants.length >= 100 ? 1 + random.integer(2) : 1 + random.integer(4);
  // Those that are not revoked must suffice.
  const quorum = 1 + random.integer(Math.ceil(Math.min(cohort, ableOf(remaining)) * 0.7));
  return {
    id: `job-${index + 1}`,
    dataset,
    rounds,
    cohort,
    quorum,
    deadlineMs: 30_000 + random.integer(60_000),
    graceMs: 2_000 + random.integer(8_000),
    isEvaluated: random.uniform() < 0.7,
    gathersStatistics: random.uniform() < 0.2,
    keeps: cohort % 2 === 1,
    // A median of fewer than three is none.
    isRobust: quorum >= 3 && cohort % 3 === 0,
    measures: cohort % 3 !== 2,
    submittedAfter: random.integer(index === 0 ? 10_000 : 60_000),
    cancelledAfter: random.uniform() < 0.05 ? 20_000 + random.integer(120_000) : undefined,
  };
}

/** The first so many have data for every job and stay in the fleet, so that it can have a quorum. */
const steadyDevices = 3;
