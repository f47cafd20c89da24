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
  const { control, lossScale } = await fromServer(opening, blobs);
  const aggregator = aggregatorConfig(opening, devices.length);
  const config = encodeRoundConfig(aggregator, opening.scaling, control, lossScale);
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

/** What the algorithm sends to all devices of a round: a vector, as a blob, and a number. */
async function fromServer(
  { effect, plan, shared }: RoundOpening,
  blobs: BlobWorkspace,
): Promise<{ readonly control: BlobReference | null; readonly lossScale: number | null }> {
  const { broadcasts, measures } = traitsOf(plan.train.algorithm);
  if (!broadcasts && measures !== "loss") return { control: null, lossScale: null };
  const algorithm = algorithmOf(plan);
  const state = await readServerState(effect.optimizerState ?? null, algorithm, shared.length, blobs);
  const vector = algorithm.broadcast(state);
  const control = vector === null ? null : await blobs.put(encodeSafetensors(shared, vector));
  return { control, lossScale: algorithm.lossScale?.(state) ?? null };
}

function aggregatorConfig({ effect, plan, shared }: RoundOpening, cohort: number): JsonObject {
  const aggregator = aggregatorOf(plan.plan.aggregator);
  return aggregator.prepare(readAggregatorState(effect.aggregatorState, aggregator), {
    cohort,
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    parameters: sentLayout(shared, plan).length,
  });
}
