import type { Strategies } from "@selvedge/coordinator";
import type { DatasetSource } from "@selvedge/datasets";
import type { Behaviour } from "./behaviour.ts";
import type { ClientData } from "./client-data.ts";
import type { RoundPoint } from "./round-point.ts";

export interface SimulationOptions {
  /** An encoded plan, as it would go to devices. */
  readonly plan: Uint8Array;
  /** The plan's model, ONNX. */
  readonly model: Uint8Array;
  /** What each virtual client has. */
  readonly clients: readonly ClientData[];
  /** What the model is measured on after each round; null = nothing. */
  readonly evaluation: DatasetSource | null;
  readonly behaviour: Behaviour;
  /** What the operator has installed; absent: nothing. */
  readonly strategies?: Strategies;
  /** Child processes that train; they change nothing but how long it takes. */
  readonly processes: number;
  readonly folder: string;
  /** Whether it can go on from `folder` after this process. */
  readonly isKept: boolean;
  /** Rounds that an earlier process did are not told again. */
  onRound(point: RoundPoint): void;
  /** So many of the cohort have answered in the round that is under way. */
  onProgress(answered: number, invited: number): void;
  readonly signal: AbortSignal;
}

export interface SimulationResult {
  readonly status: "completed" | "failed";
  /** Why it ended. */
  readonly reason: string | null;
  readonly roundsCompleted: number;
  /** The trained model, ONNX; null when it failed. */
  readonly model: Uint8Array | null;
}
