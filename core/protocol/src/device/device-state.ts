import type { BlobReference } from "../digest.ts";
import type { AnsweredBits, RoundKind } from "../job/job-state.ts";
import type { KeptState, NextKept } from "./kept-states.ts";

/** A round offer as the device keeps it: verified, and complete enough to train from after a restart. */
export interface OfferFacts {
  readonly job: string;
  readonly round: number;
  /** What is asked for; absent = training. */
  readonly kind?: RoundKind;
  /** What the plan is for; absent = it trains. */
  readonly task?: "evaluate";
  /** Whether the plan's loss is an output of its own model; absent = no. */
  readonly customLoss?: true;
  /** The most that may leave in answer; absent = as many bytes as `base` has. */
  readonly answerBytes?: number;
  /** The most that the device keeps for itself after the training, bytes; absent = nothing. */
  readonly keptBytes?: number;
  /** Base64 of the encoded plan. */
  readonly plan: string;
  readonly planDigest: string;
  readonly signer: string;
  readonly base: BlobReference;
  readonly baseVersion: number;
  /** What the server has corrections made with; absent = nothing. */
  readonly control?: BlobReference;
  /** JSON text of the aggregator's device configuration. */
  readonly config: string;
  readonly configDigest: string;
  readonly cohort: number;
  readonly deadlineAt: number;
}

/** What training left in the outbox; it stays until the coordinator's own receipt. */
export interface TrainingResult {
  readonly body: BlobReference;
  /** Examples that count. */
  readonly weight: number;
  readonly metrics: { readonly [name: string]: number };
  /** What the plan's aggregator made of an update; absent = "f32". */
  readonly format?: "packed";
  /** Answers to the aggregator's questions; absent = none. */
  readonly bits?: AnsweredBits;
  /** What the device keeps for itself from now on; absent = nothing. */
  readonly kept?: NextKept;
}

/** Training and submission are separate states: a result may wait days for a connection. */
export type TaskPhase = "queued" | "training" | "trained";

export interface Task {
  readonly offer: OfferFacts;
  readonly phase: TaskPhase;
  readonly result: TrainingResult | null;
  /** When it was last sent, Unix milliseconds; null = not since it was made. */
  readonly submittedAt: number | null;
}

/** What left the device on one day (UTC), for the owner's daily limit. */
export interface DayLedger {
  /** Days since the Unix epoch. */
  readonly day: number;
  readonly bytes: number;
}

export interface DeviceState {
  /** Epoch of the coordinator that the tasks are for; absent until the first session. */
  readonly coordinator?: string;
  readonly tasks: readonly Task[];
  readonly sent: DayLedger;
  /** One for each job whose plan asks for it; absent = none. */
  readonly kept?: readonly KeptState[];
}

export const emptyDevice: DeviceState = { tasks: [], sent: { day: 0, bytes: 0 } };
