import {
  aggregatorOf,
  type ColumnScaling,
  devicesNeeded,
  encodeClientConfig,
  encodeRoundConfig,
  type JsonObject,
  selectCohort,
  selectDevices,
} from "@selvedge/learning";
import { encodeSafetensors, type ParameterLayout } from "@selvedge/onnx";
import {
  type BlobReference,
  type CheckedPlan,
  invitedMax,
  type JobEffect,
  type JobEvent,
  traitsOf,
} from "@selvedge/protocol";
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
  /** What they told last of their losses. */
  readonly losses: ReadonlyMap<string, number>;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * Picks a round's cohort, or says that it must wait: the full cohort at once,
 * a smaller one that still has a quorum only after the grace time (SPEC RC7).
 */
export async function openRound(opening: RoundOpening, blobs: BlobWorkspace): Promise<JobEvent> {
  const { effect, plan, eligible, now } = opening;
  const needed = neededNow(opening);
  if (eligible.length < needed) {
    const what = plan.plan.schedule?.selection?.requires === undefined ? "" : " and what the job requires";
    const reason = `${eligible.length} of ${needed} are online with data "${plan.plan.dataset?.name}"${what}`;
    return { type: "cohortShort", round: effect.round, reason, now };
  }
  const devices = invited(opening);
  if (devices.length === 0) return { type: "nobodyDrawn", round: effect.round, now };
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

function neededNow({ effect, plan, now }: RoundOpening): number {
  const { cohort = 1, quorum = 1, graceMs = 0, selection } = plan.plan.schedule ?? {};
  const { atOnce, patient } = devicesNeeded(selection, { cohort, quorum });
  return now < effect.waitingSince + graceMs ? atOnce : patient;
}

/** A plan's selection is of rounds that train; whom others ask matters little. */
function invited({ effect, plan, eligible, losses }: RoundOpening): string[] {
  const { cohort = 1, overSelection = 0, selection } = plan.plan.schedule ?? {};
  const options = { eligible, seed: plan.plan.seed, round: effect.round };
  if (effect.kind !== undefined) return selectCohort({ ...options, cohort });
  return selectDevices(selection, { ...options, cohort: invitedMax({ cohort, overSelection }) }, losses);
}

/** What the algorithm sends to all devices of a round, as a blob; null = nothing. */
async function putControl(
  { effect, plan, shared }: RoundOpening,
  blobs: BlobWorkspace,
): Promise<BlobReference | null> {
  if (!traitsOf(plan.train.algorithm).broadcasts) return null;
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
