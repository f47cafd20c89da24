import type { BlobReference, Digest } from "../digest.ts";
import type {
  AcceptedContribution,
  AggregatorOutcome,
  AnsweredBits,
  JobPlan,
  Metrics,
  RoundFigures,
  RoundKind,
  RoundSummary,
} from "./job-state.ts";

/** All that can happen to a job. Times are Unix milliseconds. */
export type JobEvent =
  | {
      readonly type: "created";
      readonly plan: JobPlan;
      readonly weights: BlobReference;
      readonly now: number;
    }
  | {
      readonly type: "cohortSelected";
      readonly round: number;
      readonly devices: readonly string[];
      readonly config: BlobReference;
      /** What the configuration has devices correct by. */
      readonly control?: BlobReference;
      readonly now: number;
    }
  /** A draw came out empty. */
  | { readonly type: "nobodyDrawn"; readonly round: number; readonly now: number }
  | { readonly type: "cohortShort"; readonly round: number; readonly reason: string; readonly now: number }
  | { readonly type: "deviceOnline"; readonly device: string }
  /** It was revoked or quarantined; safe to repeat. */
  | {
      readonly type: "deviceExcluded";
      readonly device: string;
      readonly reason: string;
      readonly now: number;
    }
  | {
      readonly type: "replied";
      readonly device: string;
      readonly round: number;
      readonly answer: OfferAnswer;
      readonly now: number;
    }
  | { readonly type: "submitted"; readonly submission: SubmissionFacts; readonly now: number }
  | {
      readonly type: "folded";
      readonly round: number;
      readonly accumulator: BlobReference;
      /** Devices whose contributions a rule left out as wholes; absent = none. */
      readonly leftOut?: readonly string[];
      readonly now: number;
    }
  | ({
      readonly type: "finalised";
      readonly round: number;
      readonly weights: BlobReference;
      readonly optimizerState: BlobReference | null;
      readonly losses?: BlobReference;
      readonly now: number;
    } & RoundFigures &
      AggregatorOutcome)
  /** What devices measured in a round that does not train, together. */
  | ({ readonly type: "combined"; readonly round: number; readonly now: number } & RoundFigures)
  | { readonly type: "evaluated"; readonly round: number; readonly metrics: Metrics; readonly now: number }
  | { readonly type: "modelWritten"; readonly model: BlobReference; readonly now: number }
  | {
      readonly type: "effectFailed";
      /** The round it was for; null = not for one that is open. */
      readonly round: number | null;
      readonly what: string;
      readonly reason: string;
      readonly now: number;
    }
  | { readonly type: "cancelled"; readonly now: number }
  | { readonly type: "tick"; readonly now: number };

export type OfferAnswer =
  | { readonly kind: "accepted" }
  | { readonly kind: "declined"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** A submission as the shell received it, with what it found of the body. */
export interface SubmissionFacts {
  readonly device: string;
  readonly round: number;
  readonly format: string;
  readonly contributors: readonly string[];
  readonly baseVersion: number;
  readonly weight: number;
  readonly planDigest: string;
  readonly configDigest: string;
  readonly body: BlobReference;
  readonly metrics: Metrics;
  /** Absent = none. */
  readonly bits?: AnsweredBits;
  /**
   * "missing" when the bytes are not here, "unchecked" when they were not looked at;
   * otherwise what is wrong with them or the metrics; null = sound.
   */
  readonly problem: string | null;
}

/** All that a job asks its shell to do. Performed at least once, after the commit. */
export type JobEffect =
  | {
      readonly type: "openRound";
      readonly round: number;
      readonly waitingSince: number;
      readonly kind?: RoundKind;
      /** What the columns of this and later rounds are scaled with. */
      readonly statistics?: BlobReference;
      /** What the server keeps; absent before the first round. */
      readonly optimizerState?: BlobReference;
      /** What its aggregator keeps; absent before the first round. */
      readonly aggregatorState?: string;
      /** What devices told of their losses last. */
      readonly losses?: BlobReference;
    }
  | { readonly type: "offer"; readonly round: number; readonly device: string }
  | {
      readonly type: "receipt";
      readonly round: number;
      readonly device: string;
      readonly digest: string;
      readonly verdict: ReceiptVerdict;
      readonly reason: string;
    }
  | { readonly type: "roundClosed"; readonly round: number; readonly device: string; readonly reason: string }
  /** Devices may let go of what they keep for the job. */
  | { readonly type: "jobEnded"; readonly round: number; readonly reason: string }
  | {
      readonly type: "fold";
      readonly round: number;
      readonly kind?: RoundKind;
      readonly accumulator: BlobReference | null;
      readonly contributions: readonly AcceptedContribution[];
      readonly config: BlobReference;
    }
  | {
      readonly type: "finalise";
      readonly round: number;
      readonly accumulator: BlobReference;
      readonly config: BlobReference;
      readonly base: BlobReference;
      readonly optimizerState: BlobReference | null;
      /** That with which the round was opened. */
      readonly aggregatorState?: string;
      readonly losses?: BlobReference;
      readonly metrics: { readonly [device: string]: Metrics };
      readonly weights: { readonly [device: string]: number };
    }
  /** Of a round in which devices measure: its figures, out of what each reported. */
  | {
      readonly type: "combine";
      readonly round: number;
      readonly metrics: { readonly [device: string]: Metrics };
      readonly weights: { readonly [device: string]: number };
    }
  | {
      readonly type: "evaluate";
      readonly round: number;
      readonly weights: BlobReference;
      readonly dataset: string;
      readonly statistics?: BlobReference;
    }
  | { readonly type: "archiveRound"; readonly summary: RoundSummary }
  | { readonly type: "writeModel"; readonly weights: BlobReference; readonly statistics?: BlobReference }
  | { readonly type: "discard"; readonly blobs: readonly Digest[] };

export type ReceiptVerdict = "accepted" | "refused" | "roundClosed" | "bodyMissing";
