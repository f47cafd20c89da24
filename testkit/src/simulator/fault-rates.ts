import type { SeededRandom } from "@selvedge/protocol";

/** Trouble that strikes at an occasion, each with its chance. */
export interface StrikeRates {
  readonly loss: number;
  readonly duplicate: number;
  /** An envelope takes up to 15 s instead of up to 200 ms. */
  readonly delay: number;
  readonly dialFailure: number;
  /** A request of a transfer that does not arrive. */
  readonly transferFailure: number;
  /** A request of a transfer that is carried out, and whose answer is lost. */
  readonly lostAnswer: number;
  /** Per hook point of a journal. */
  readonly kill: number;
  /** A commit that happens and is reported as failed. */
  readonly lostCommit: number;
  readonly slowTraining: number;
  readonly trainingFailure: number;
  readonly evaluationFailure: number;
  readonly deployFailure: number;
}

/** Trouble that comes again and again: mean time between two, milliseconds; undefined = never. */
export interface EpisodeRates {
  /** Per link, its end: both sides learn of it. */
  readonly linkCut: number | undefined;
  /** Per link: one direction or both carry nothing from now on, and nobody is told. */
  readonly halfOpen: number | undefined;
  /** Per machine. */
  readonly powerCut: number | undefined;
  /** In the network: a group of devices is cut off, in one direction or both. */
  readonly partition: number | undefined;
  /** Per machine: nothing can be written for a while. */
  readonly diskFull: number | undefined;
  /** Per machine: a sync takes seconds for a while. */
  readonly slowDisk: number | undefined;
  /** Per machine: somebody sets its clock. */
  readonly clockJump: number | undefined;
}

export interface FaultRates {
  readonly strikes: StrikeRates;
  readonly episodes: EpisodeRates;
}

export type StrikeKind = keyof StrikeRates;
export type EpisodeKind = keyof EpisodeRates;

/** `tornFile` follows from power cuts: an unsynced file is there in part. */
export type FaultKind = StrikeKind | EpisodeKind | "tornFile";

export const faultKinds: readonly FaultKind[] = [
  "loss",
  "duplicate",
  "delay",
  "linkCut",
  "halfOpen",
  "partition",
  "dialFailure",
  "transferFailure",
  "lostAnswer",
  "kill",
  "powerCut",
  "tornFile",
  "lostCommit",
  "diskFull",
  "slowDisk",
  "clockJump",
  "slowTraining",
  "trainingFailure",
  "evaluationFailure",
  "deployFailure",
];

/**
 * Each seed leaves out some kinds of trouble altogether, and is calm or rough in
 * the others: what strikes all the time hides what strikes alone (Groce et al.,
 * "Swarm Testing", ISSTA 2012).
 *
 * @param machines what strikes each machine is rarer in a large fleet, or nothing would ever be done.
 */
export function drawRates(random: SeededRandom, machines: number): FaultRates {
  const upTo = (most: number): number => {
    const isLeftOut = random.uniform() < 0.3;
    const chance = most * random.uniform() ** 2;
    return isLeftOut ? 0 : chance;
  };
  const size = Math.max(1, machines / 12);
  const every = (least: number, factor = size): number | undefined => {
    const isLeftOut = random.uniform() < 0.4;
    const mean = least * (1 + 9 * random.uniform() ** 2) * factor;
    return isLeftOut ? undefined : mean;
  };
  return {
    strikes: {
      loss: upTo(0.4),
      duplicate: upTo(0.3),
      delay: upTo(0.3),
      dialFailure: upTo(0.5),
      transferFailure: upTo(0.2),
      lostAnswer: upTo(0.2),
      kill: upTo(0.05 / size),
      lostCommit: upTo(0.02 / size),
      slowTraining: upTo(0.3),
      trainingFailure: upTo(0.1),
      evaluationFailure: upTo(0.5),
      deployFailure: upTo(0.3),
    },
    episodes: {
      linkCut: every(5_000, Math.sqrt(size)),
      halfOpen: every(15_000, Math.sqrt(size)),
      powerCut: every(15_000),
      partition: every(10_000, 1),
      diskFull: every(40_000),
      slowDisk: every(40_000),
      clockJump: every(30_000),
    },
  };
}
