import type { BlobReference, Digest } from "../digest.ts";
import type { EarlyStopping, MetricTarget, Progress } from "./job-goal.ts";
import type { WeightsCheckpoint, WeightsOrigin } from "./job-origin.ts";

/** Everything `stepJob` needs of a plan. */
export interface JobPlan {
  readonly name: string;
  readonly digest: Digest;
  /** The plan's encoded bytes, as a blob. */
  readonly body: BlobReference;
  /** The forward graph (ONNX). */
  readonly model: BlobReference;
  readonly signer: string;
  readonly rounds: number;
  readonly cohort: number;
  readonly quorum: number;
  readonly deadlineMs: number;
  readonly graceMs: number;
  /** Evaluation accuracy that ends the job early; 0 = never. */
  readonly targetAccuracy: number;
  /** Likewise of any metric; not beside `targetAccuracy`. */
  readonly target?: MetricTarget;
  readonly earlyStopping?: EarlyStopping;
  readonly maxExamplesPerDevice: number;
  /** Name of the coordinator's own dataset to evaluate on; null = none. */
  readonly evaluationDataset: string | null;
  /** Whether the first round gathers statistics of columns; absent = no. */
  readonly statistics?: true;
  /** What the job is for; absent = it trains. */
  readonly task?: "evaluate";
  /** Whose weights it begins with; absent = those of its model's file. */
  readonly origin?: WeightsOrigin;
  /** After how many rounds each the weights are kept; absent = never. */
  readonly keepEvery?: number;
  /** After how many rounds devices measure what came of them; absent = never. */
  readonly evaluateEvery?: number;
  /** Whether devices keep something for it between rounds; absent = no. */
  readonly keeps?: true;
  /** How many contributions close a round, where more devices are invited; absent = the round waits for all. */
  readonly closesAt?: number;
  /** What a device sends, in sizes of the model; absent = 1. */
  readonly sends?: number;
  /**
   * The rule that combines all contributions of a round at once, so that they wait until it has closed; absent =
   * they are folded as they arrive.
   */
  readonly atOnce?: string;
  /** What its plan's aggregator makes of an update; absent = "f32". */
  readonly format?: "packed";
}

/** What a round that does not train is for; absent = it trains. */
export type RoundKind = "statistics" | "evaluate";

export type JobStatus = "waiting" | "running" | "completed" | "failed" | "cancelled";

export interface JobState {
  readonly plan: JobPlan;
  readonly status: JobStatus;
  /** Why it ended, or what it waits for. */
  readonly reason: string | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Since when the next round waits for devices. */
  readonly waitingSince: number;
  /**
   * Whether an `openRound` effect is on its way, and whether a device came online
   * meanwhile; `resting` after a failed round.
   */
  readonly opening: "no" | "asked" | "askedAndChanged" | "resting";
  /** When a job without a round looks for devices again; null = when one comes online. */
  readonly lookAgainAt: number | null;
  readonly base: { readonly version: number; readonly weights: BlobReference };
  /** Number of the round that made `base`; absent before the first, and in jobs of before it was kept. */
  readonly trainedIn?: number;
  /** Weights that were to be kept, in the order of their rounds; absent = none. */
  readonly checkpoints?: readonly WeightsCheckpoint[];
  /** State of the server optimizer; null before the first round. */
  readonly optimizerState: BlobReference | null;
  /** JSON text of the aggregator's own state; absent = it begins. */
  readonly aggregatorState?: string;
  /** What devices told of their losses last, where they are selected by them; absent until they did. */
  readonly losses?: BlobReference;
  /** Number of the round that opens next; failed rounds use up theirs. */
  readonly nextRound: number;
  readonly roundsCompleted: number;
  /** How many rounds were completed when devices were asked last to measure what came of them; absent = they were not. */
  readonly evaluatedAfter?: number;
  readonly failuresInARow: number;
  /** Of early stopping; absent where there is none, and before the first value. */
  readonly progress?: Progress;
  /** What devices said of their columns, added up; absent until it is there. */
  readonly statistics?: BlobReference;
  readonly current: RoundState | null;
  /** The round that ended last; older ones are archived beside the state. */
  readonly last: RoundSummary | null;
  /** The plan's graph with the final weights; set on completion. */
  readonly model: BlobReference | null;
}

/** `excluded`: revoked or quarantined while the round was open; what it contributed does not count. */
export type MemberStatus = "offered" | "accepted" | "declined" | "failed" | "contributed" | "excluded";

export interface Member {
  readonly status: MemberStatus;
  readonly reason: string | null;
  /** Digest of the contribution that counts. */
  readonly digest: Digest | null;
  readonly weight: number;
}

/** Whether a rule left its contribution out, and said so in `reason`. */
export function isLeftOut({ status, reason }: Pick<Member, "status" | "reason">): boolean {
  return status === "contributed" && reason !== null;
}

export type Metrics = { readonly [name: string]: number };

/** A device's answers to the questions of the plan's aggregator, by name. */
export type AnsweredBits = { readonly [question: string]: boolean };

/** How a round's figures differ among its devices; core/learning says what is told. */
export interface MetricsBreakdown {
  readonly spread: { readonly [metric: string]: MetricSpread };
  readonly groups: readonly GroupMetrics[];
}

/** How a figure is spread over so many devices. */
export interface MetricSpread {
  readonly devices: number;
  readonly minimum: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly maximum: number;
}

/** The figures of the devices of one group or tag. */
export interface GroupMetrics {
  readonly kind: "group" | "tag";
  readonly name: string;
  readonly devices: number;
  readonly metrics: Metrics;
}

/** What devices reported, together. */
export interface RoundFigures {
  readonly federated: Metrics;
  readonly breakdown: MetricsBreakdown;
}

/** A contribution that was accepted: durable, and to be counted exactly once. */
export interface AcceptedContribution {
  readonly device: string;
  readonly body: BlobReference;
  readonly weight: number;
  readonly metrics: Metrics;
  /** Absent = none. */
  readonly bits?: AnsweredBits;
}

/** What an aggregator leaves behind a round. */
export interface AggregatorOutcome {
  /** JSON text, for the next round; absent where it keeps nothing. */
  readonly aggregatorState?: string;
  /** By block and name: "clipping.bound". */
  readonly measurements?: Metrics;
}

/** `collecting` takes contributions; the later phases each wait for one effect. Nothing is folded of an evaluation. */
export type RoundPhase = "collecting" | "folding" | "finalising" | "evaluating";

export interface RoundState {
  readonly number: number;
  readonly kind?: RoundKind;
  readonly phase: RoundPhase;
  readonly openedAt: number;
  readonly deadlineAt: number;
  readonly offeredAt: number;
  readonly configDigest: Digest;
  readonly config: BlobReference;
  /** What the configuration has devices correct by; absent = nothing. */
  readonly control?: BlobReference;
  readonly members: { readonly [device: string]: Member };
  /** Accepted and not yet in a fold. */
  readonly queue: readonly AcceptedContribution[];
  /** In the fold that is under way. */
  readonly folding: readonly AcceptedContribution[];
  readonly accumulator: BlobReference | null;
  /** Devices whose contributions are in `accumulator`. */
  readonly folded: readonly string[];
  readonly metrics: { readonly [device: string]: Metrics };
  readonly quorumAt: number | null;
  /** What the round made, until its evaluation makes it the job's. */
  readonly outcome:
    | (RoundFigures &
        AggregatorOutcome & {
          readonly weights: BlobReference;
          readonly optimizerState: BlobReference | null;
          readonly losses?: BlobReference;
        })
    | null;
  readonly bytesUp: number;
}

export interface RoundSummary {
  readonly number: number;
  readonly kind?: RoundKind;
  readonly status: "completed" | "failed";
  readonly reason: string | null;
  readonly openedAt: number;
  readonly closedAt: number;
  /** Version of the weights this round made; 0 when it made none. */
  readonly modelVersion: number;
  readonly members: { readonly [device: string]: Member };
  /** By the coordinator; of a round in which devices measured, that of the same model before it. */
  readonly evaluation: Metrics;
  readonly federated: Metrics;
  /** Absent where nothing was measured, and of rounds before there was one. */
  readonly breakdown?: MetricsBreakdown;
  /** What the aggregator measured; absent as `breakdown`. */
  readonly measurements?: Metrics;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** The latest time at which something is written down to have happened, Unix milliseconds; 0 once the job has ended. */
export function lastTimeOf(job: JobState): number {
  if (hasEnded(job)) return 0;
  const { createdAt, current, last, waitingSince } = job;
  const inRound = current === null ? [] : [current.openedAt, current.offeredAt, current.quorumAt ?? 0];
  return Math.max(createdAt, waitingSince, last?.closedAt ?? 0, ...inRound);
}

/** Whether nothing will happen in this job any more. */
export function hasEnded(job: JobState): boolean {
  return job.status === "completed" || job.status === "failed" || job.status === "cancelled";
}
