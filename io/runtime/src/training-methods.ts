import type { DatasetReading } from "@selvedge/datasets";
import type { ColumnStatistics, LearningRateSchedule, PlannedAlgorithm } from "@selvedge/learning";
import type {
  GradientTerms,
  Loss,
  LossName,
  Measures,
  Optimizer,
  OptimizerName,
  PersonalModelSettings,
} from "@selvedge/onnx";
import type { BlobReference, TableSchema } from "@selvedge/protocol";
import type { EvaluationResult } from "./evaluation-loop.ts";
import type { DataRequest } from "./training-data.ts";
import type { TrainingProgress } from "./training-loop.ts";

/** Local training of one round, as plain data that can cross to a child process. */
export interface LocalTraining extends DataRequest {
  /** The forward model, ONNX. */
  readonly modelPath: string;
  /** The base parameters, safetensors. */
  readonly weightsPath: string;
  readonly loss: LossName | Loss;
  readonly optimizer: OptimizerName | Optimizer;
  /** None when absent; a proximal term pulls towards the base parameters. */
  readonly terms?: GradientTerms;
  /** Patterns of the parameters that are not trained; none when absent. */
  readonly frozen?: readonly string[];
  /** Patterns of the parameters that are personal: not in the update, but in what is kept; none when absent. */
  readonly personal?: readonly string[];
  /** Whether the optimizer goes on from what was kept; it begins anew when absent. */
  readonly keepsOptimizer?: boolean;
  /** Plain averaging when absent. */
  readonly algorithm?: PlannedAlgorithm;
  /** What the server has corrections made with, safetensors of what is shared; zeros when absent. */
  readonly controlPath?: string;
  /** A model of the device's own that is trained or measured beside the common one; none when absent. */
  readonly personalModel?: PersonalModelSettings;
  /** What an earlier training left to be kept; absent: nothing was kept. */
  readonly keptPath?: string;
  /** What is measured of the held-out examples beside the loss; nothing when absent. */
  readonly measures?: Measures;
  /** A step has so many times the batch size of examples; 1 when absent. */
  readonly accumulate?: number;
  readonly learningRate: number;
  /** What the learning rate is multiplied by in this round; nothing when absent. */
  readonly rate?: RateRequest;
  readonly batchSize: number;
  readonly localEpochs: number;
  /** So many steps instead; absent or 0: as many as the epochs have. */
  readonly localSteps?: number;
  /** When no more steps begin, Unix ms by this machine's clock: what was trained by then is the result. Never when absent. */
  readonly stopAt?: number;
  /** 0 <= fraction < 1; see `splitHeldOut`. */
  readonly heldOutFraction: number;
  /** Trains on at most so many examples, chosen by the seed. */
  readonly maxExamples: number;
  readonly seed: string | number;
  /** Refuses what would, as inferred before the model is loaded, need more resident memory; absent: nothing. */
  readonly memoryBytesMax?: number;
}

/** A training whose results are written to files, whole or not at all. */
export interface TrainingRequest extends LocalTraining {
  /** Where the update is written: safetensors, float32, new - base. */
  readonly updatePath: string;
  /** Where is written what is to be kept, when there is anything; absent: nowhere. */
  readonly nextKeptPath?: string;
}

/** How a job's learning rate goes through its rounds, and where this one is among them. */
export interface RateRequest {
  readonly schedule: LearningRateSchedule;
  /** Rounds that are done, of how many in all. */
  readonly done: number;
  readonly rounds: number;
  /** Whether it changes from step to step; else it is one for the round. */
  readonly byStep: boolean;
}

export interface TrainingOutcome {
  readonly update: BlobReference;
  /** How many different examples were trained on. */
  readonly examples: number;
  readonly steps: number;
  readonly metrics: TrainingMetrics;
  /** Whether it went on from what was kept; null when nothing is to be kept. */
  readonly kept: { readonly isContinued: boolean } | null;
}

/**
 * Bounded, finite scalars (SPEC SU4): `train_loss`, `train_accuracy`, `seconds` (wall clock of training
 * and evaluation), and as `evaluationScalars` has them those of the base parameters on the held-out
 * examples. What there is nothing of is absent.
 */
export type TrainingMetrics = Readonly<Record<string, number>>;

export interface EvaluationRequest extends DataRequest {
  readonly modelPath: string;
  readonly weightsPath: string;
  /** Softmax cross-entropy when absent. */
  readonly loss?: LossName | Loss;
  /** What is measured beside the loss; nothing when absent. */
  readonly measures?: Measures;
  /** Refuses what would, as inferred before the model is loaded, need more resident memory; absent: nothing. */
  readonly memoryBytesMax?: number;
}

/** A device's own measurement, of the examples that a training of the same settings does not touch. */
export interface MeasuringRequest
  extends Omit<
    LocalTraining,
    "controlPath" | "learningRate" | "rate" | "localEpochs" | "localSteps" | "stopAt"
  > {
  /** As in a training; 1: of all. */
  readonly heldOutFraction: number;
  /** Of at most so many of them, chosen by the seed. */
  readonly maxExamples: number;
}

export interface MeasuringOutcome {
  /** Of how many examples. */
  readonly examples: number;
  /** As `evaluationScalars` has them, and `seconds`. */
  readonly metrics: TrainingMetrics;
}

/** Statistics of a table's columns; no model is involved. */
export interface SummaryRequest extends Omit<DataRequest, "scaling"> {
  readonly reading: DatasetReading & { readonly table: TableSchema };
  /** Of at most so many examples, chosen by the seed. */
  readonly maxExamples: number;
  readonly seed: string | number;
}

export interface SummaryOutcome {
  readonly statistics: readonly ColumnStatistics[];
  readonly examples: number;
}

/** What the training child answers. */
export interface TrainingMethods {
  readonly train: {
    readonly argument: TrainingRequest;
    readonly result: TrainingOutcome;
    readonly progress: TrainingProgress;
  };
  readonly summarise: { readonly argument: SummaryRequest; readonly result: SummaryOutcome };
  readonly measure: { readonly argument: MeasuringRequest; readonly result: MeasuringOutcome };
  readonly evaluate: { readonly argument: EvaluationRequest; readonly result: EvaluationResult };
}
