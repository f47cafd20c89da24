import type { Json, RecordMigration } from "@selvedge/storage";

/** What changed in a coordinator's records since version 0.1.0: append only. */
export const recordMigrations: readonly RecordMigration[] = [
  { prefix: "job/state/", migrate: keepOptimizerStateWithOutcome },
];

/**
 * The optimizer's new state was the job's as soon as a round had made it; now
 * it is the round's until the evaluation makes both the job's.
 */
function keepOptimizerStateWithOutcome(value: Json): Json {
  const state = value as JobState;
  const round = state.current;
  if (!round?.outcome) return value;
  return {
    ...state,
    current: { ...round, outcome: { ...round.outcome, optimizerState: state.optimizerState } },
  };
}

/** As far as it is looked at. */
interface JobState {
  readonly optimizerState: Json;
  readonly current: { readonly outcome: { readonly [field: string]: Json } | null } | null;
  readonly [field: string]: Json;
}
