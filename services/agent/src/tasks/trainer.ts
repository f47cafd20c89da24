import type { ColumnScaling, ColumnStatistics } from "@selvedge/learning";
import type { ParameterLayout } from "@selvedge/onnx";
import type { BlobReference, CheckedPlan, TableSchema } from "@selvedge/protocol";

export interface TrainingTask {
  readonly plan: CheckedPlan;
  /** The forward graph and the round's weights, both already on this device. */
  readonly model: BlobReference;
  readonly base: BlobReference;
  readonly round: number;
  /** How many rounds of the job are done: those that failed are not among them. */
  readonly roundsDone: number;
  /** How columns are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
  /** What losses are divided by, for an algorithm that weighs by them; null = they are not. */
  readonly lossScale: number | null;
  /** What the server has corrections made with, on this device; null = nothing. */
  readonly control: BlobReference | null;
  /** What this device kept after an earlier round, on this device; null = nothing. */
  readonly kept: BlobReference | null;
  /** Of a plan that takes partial work: how long until the round's deadline, ms. */
  readonly timeLeftMs?: number;
}

/** Statistics of the columns that a plan names. */
export interface SummaryTask {
  readonly plan: CheckedPlan;
  readonly table: TableSchema;
}

export interface DataSummary {
  readonly statistics: readonly ColumnStatistics[];
  readonly examples: number;
}

/** Metrics of a model on this device's data. */
export interface MeasuringTask {
  readonly plan: CheckedPlan;
  /** The forward graph and the weights, both already on this device. */
  readonly model: BlobReference;
  readonly base: BlobReference;
  readonly round: number;
  /** How columns are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
  /** What this device kept after a training of the job, on this device; null = nothing. */
  readonly kept: BlobReference | null;
}

export interface MeasuredModel {
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface TrainedUpdate {
  readonly layout: ParameterLayout;
  /** New minus base parameters, flat in layout order. */
  readonly update: Float32Array;
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** What the device keeps for itself for the next round; null = nothing. */
  readonly kept: KeptUpdate | null;
}

export interface KeptUpdate {
  readonly bytes: Uint8Array;
  /** Whether it went on from what was kept before. */
  readonly isContinued: boolean;
}

/** Trains on this device's own data. The product's runs in a child process; the simulator's is a function. */
export interface Trainer {
  /** @throws SelvedgeError `cancelled` when the signal aborts. */
  train(task: TrainingTask, signal: AbortSignal): Promise<TrainedUpdate>;
  /** @throws SelvedgeError `cancelled` when the signal aborts. */
  measure(task: MeasuringTask, signal: AbortSignal): Promise<MeasuredModel>;
  /** @throws SelvedgeError `cancelled` when the signal aborts. */
  summarise(task: SummaryTask, signal: AbortSignal): Promise<DataSummary>;
}
