import {
  aggregatorNamed,
  type ColumnScaling,
  encodeClientConfig,
  encodeRoundConfig,
  type JsonObject,
  selectCohort,
} from "@selvedge/learning";
import type { ParameterLayout } from "@selvedge/onnx";
import type { CheckedPlan, JobEffect, JobEvent } from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";

export interface RoundOpening {
  readonly effect: Extract<JobEffect, { type: "openRound" }>;
  readonly plan: CheckedPlan;
  /** Of an update. */
  readonly layout: ParameterLayout;
  /** How columns are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
  /** Devices that are online and have the plan's dataset. */
  readonly eligible: readonly string[];
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * Picks a round's cohort, or says that it must wait: the full cohort at once,
 * a smaller one that still has a quorum only after the grace time (SPEC RC7).
 */
export async function openRound(opening: RoundOpening, blobs: BlobWorkspace): Promise<JobEvent> {
  const { effect, plan, eligible, now } = opening;
  const { cohort = 1, quorum = 1, graceMs = 0 } = plan.plan.schedule ?? {};
  const isPatient = now < effect.waitingSince + graceMs;
  const needed = isPatient ? cohort : quorum;
  if (eligible.length < needed) {
    const reason = `${eligible.length} of ${needed} are online with data "${plan.plan.dataset?.name}"`;
    return { type: "cohortShort", round: effect.round, reason, now };
  }
  const devices = selectCohort({ eligible, cohort, seed: plan.plan.seed, round: effect.round });
  const config =
    effect.kind === "statistics"
      ? encodeClientConfig({ phase: effect.kind })
      : encodeRoundConfig(aggregatorConfig(opening, devices.length), opening.scaling);
  const stored = await blobs.put(config.bytes);
  return { type: "cohortSelected", round: effect.round, devices, config: stored, now };
}

function aggregatorConfig({ plan, layout }: RoundOpening, cohort: number): JsonObject {
  const aggregator = aggregatorNamed(plan.plan.aggregator?.name ?? "");
  return aggregator.prepare(aggregator.initialState(), {
    cohort,
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    parameters: layout.length,
  });
}
