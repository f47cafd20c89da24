import type { DatasetWish } from "@selvedge/datasets";
import type { ColumnScaling } from "@selvedge/learning";
import type { BlobReference, CheckedPlan, Metrics } from "@selvedge/protocol";

export interface EvaluationTask {
  readonly plan: CheckedPlan;
  readonly weights: BlobReference;
  /** A dataset of the coordinator. */
  readonly dataset: string;
  /** How columns are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
}

/** Measures a round's weights on data that the coordinator has itself. */
export interface Evaluator {
  /** Why a dataset is not what a plan asks for, with both shapes; null when it is. */
  mismatch(dataset: string, wish: DatasetWish): Promise<string | null>;
  /** @throws SelvedgeError `not_found` when there is no dataset of that name. */
  evaluate(task: EvaluationTask): Promise<Metrics>;
}
