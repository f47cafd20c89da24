import type { JobPlan, JobState, Metrics, RoundSummary } from "./job-state.ts";

/** A value of a metric that is good enough: at least, or at most, so much. */
export interface MetricTarget {
  readonly metric: string;
  readonly bound: "atLeast" | "atMost";
  readonly value: number;
}

/** When a metric that no longer gets better ends a job. */
export interface EarlyStopping {
  readonly metric: string;
  /** Whether less is better. */
  readonly falls: boolean;
  /** Rounds in a row. */
  readonly patience: number;
  /** By how much a value has to be better than the best so far. */
  readonly minDelta: number;
}

/** How a job's metric for early stopping stands. */
export interface Progress {
  readonly best: number;
  /** Rounds since that value. */
  readonly rounds: number;
}

/** Why a job is done before its rounds are, in words; null when it is not (SPEC RC8). */
export function goalReached({ plan, last, progress, roundsCompleted }: JobState): string | null {
  if (roundsCompleted >= plan.rounds) return null;
  const target = targetOf(plan);
  const value = target && last && measured(plan, last, target.metric);
  if (target && typeof value === "number" && isEnough(target, value)) {
    return `${target.metric} ${value} reached its target ${target.value}`;
  }
  const { earlyStopping } = plan;
  if (earlyStopping === undefined || progress === undefined) return null;
  if (progress.rounds < earlyStopping.patience) return null;
  return `${earlyStopping.metric} has not been better than ${progress.best} for ${progress.rounds} rounds`;
}

/** What a round that trained says of early stopping. */
export function progressAfter(
  { plan, progress }: JobState,
  round: Pick<RoundSummary, "evaluation" | "federated">,
): { readonly progress?: Progress } {
  const { earlyStopping } = plan;
  if (earlyStopping === undefined) return {};
  const value = measured(plan, round, earlyStopping.metric);
  if (progress === undefined) return value === undefined ? {} : { progress: { best: value, rounds: 0 } };
  const gain = earlyStopping.falls
    ? progress.best - (value ?? Number.NaN)
    : (value ?? Number.NaN) - progress.best;
  const isBetter = value !== undefined && gain > earlyStopping.minDelta;
  return { progress: isBetter ? { best: value, rounds: 0 } : { ...progress, rounds: progress.rounds + 1 } };
}

function targetOf({ target, targetAccuracy }: JobPlan): MetricTarget | undefined {
  if (target !== undefined || targetAccuracy === 0) return target;
  return { metric: "accuracy", bound: "atLeast", value: targetAccuracy };
}

function isEnough({ bound, value }: MetricTarget, measured: number): boolean {
  return bound === "atLeast" ? measured >= value : measured <= value;
}

/** On the coordinator's data where there is some, else what the devices measured on theirs. */
function measured(
  { evaluationDataset }: JobPlan,
  { evaluation, federated }: { readonly evaluation: Metrics; readonly federated: Metrics },
  metric: string,
): number | undefined {
  return evaluationDataset === null ? federated[`eval_${metric}`] : evaluation[metric];
}
