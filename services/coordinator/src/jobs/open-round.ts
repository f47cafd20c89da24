import {
  aggregatorOf,
  type ColumnScaling,
  encodeClientConfig,
  encodeRoundConfig,
  type JsonObject,
  selectCohort,
} from "@selvedge/learning";
import { encodeSafetensors, type ParameterLayout } from "@selvedge/onnx";
import type { BlobReference, CheckedPlan, JobEffect, JobEvent } from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";
import { sentLayout } from "./model-layouts.ts";
import { algorithmOf, readAggregatorState, readServerState } from "./server-state.ts";

export interface RoundOpening {
  readonly effect: Extract<JobEffect, { type: "openRound" }>;
  readonly plan: CheckedPlan;
  /** The parameters that devices learn together. */
  readonly shared: ParameterLayout;
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
  const selected = { type: "cohortSelected", round: effect.round, devices, now } as const;
  if (effect.kind === "statistics") {
    return { ...selected, config: await blobs.put(encodeClientConfig({ phase: effect.kind }).bytes) };
  }
  if (effect.kind === "evaluate") {
    const config = encodeRoundConfig({ phase: effect.kind }, opening.scaling);
    return { ...selected, config: await blobs.put(config.bytes) };
  }
  const control = await putControl(opening, blobs);
  const config = encodeRoundConfig(aggregatorConfig(opening, devices.length), opening.scaling, control);
  return { ...selected, config: await blobs.put(config.bytes), ...(control !== null && { control }) };
}

/** What the algorithm sends to all devices of a round, as a blob; null = nothing. */
async function putControl(
  { effect, plan, shared }: RoundOpening,
  blobs: BlobWorkspace,
): Promise<BlobReference | null> {
  const algorithm = algorithmOf(plan);
  const state = await readServerState(effect.optimizerState ?? null, algorithm, shared.length, blobs);
  const control = algorithm.broadcast(state);
  return control === null ? null : blobs.put(encodeSafetensors(shared, control));
}

function aggregatorConfig({ effect, plan, shared }: RoundOpening, cohort: number): JsonObject {
  const aggregator = aggregatorOf(plan.plan.aggregator);
  return aggregator.prepare(readAggregatorState(effect.aggregatorState, aggregator), {
    cohort,
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    parameters: sentLayout(shared, plan).length,
  });
}
