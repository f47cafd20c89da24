import type { JobState, RoundSummary } from "@selvedge/protocol";
import type { TrainingRecord } from "@selvedge/registry";

/**
 * What is told of a job with its model: counts, and no device by name.
 *
 * @param archived - rounds that have ended; may be one behind the state.
 */
export function trainingRecord(
  job: string,
  state: JobState,
  archived: readonly RoundSummary[],
): TrainingRecord {
  const { plan, last } = state;
  const rounds = [
    ...archived.filter(({ number }) => number !== last?.number),
    ...(last === null ? [] : [last]),
  ];
  const completed = rounds.filter(({ kind, status }) => status === "completed" && kind === undefined);
  const contributors = completed.flatMap(({ members }) =>
    Object.entries(members).flatMap(([device, { status }]) => (status === "contributed" ? device : [])),
  );
  const newest = completed.at(-1);
  return {
    job,
    plan: plan.digest,
    signer: plan.signer,
    startedAtMs: state.createdAt,
    finishedAtMs: state.endedAt ?? state.createdAt,
    roundsCompleted: completed.length,
    roundsFailed: rounds.filter(({ status }) => status === "failed").length,
    devices: new Set(contributors).size,
    contributions: contributors.length,
    metrics: { ...newest?.federated, ...newest?.evaluation },
    graph: plan.model.digest,
    ...(plan.origin !== undefined && { origin: plan.origin }),
  };
}
