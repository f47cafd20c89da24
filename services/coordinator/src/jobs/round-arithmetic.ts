import {
  type Accumulator,
  aggregatorOf,
  decodeAccumulator,
  decodeRoundConfig,
  encodeAccumulator,
  encodeServerOptimizerState,
  flatMeasurements,
  openSumRound,
  type RobustRule,
  readBits,
  robustRuleNamed,
} from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  type ParameterLayout,
  pickTensors,
  placeTensors,
} from "@selvedge/onnx";
import {
  type AggregatorOutcome,
  type BlobReference,
  type CheckedPlan,
  isRobust,
  type JobEffect,
  type JobEvent,
  scaledTable,
} from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";
import { sentLayout } from "./model-layouts.ts";
import { readUpdate, type UpdateReading } from "./read-update.ts";
import { foldAtOnce } from "./robust-fold.ts";
import { readAggregatorState, writeAggregatorState } from "./server-state.ts";
import { type Strategies, serverStep } from "./server-step.ts";

type Fold = Extract<JobEffect, { type: "fold" }>;
type Folded = Extract<JobEvent, { type: "folded" }>;
type Finalise = Extract<JobEffect, { type: "finalise" }>;
type Finalised = Extract<JobEvent, { type: "finalised" }>;

/** What a round's arithmetic is done with. */
export interface RoundArithmetic extends UpdateReading {
  /** What combines all updates at once; null where they are added up. */
  readonly rule: RobustRule | null;
  readonly plan: CheckedPlan;
  readonly strategies: Strategies;
  readonly layouts: RoundLayouts;
}

export interface RoundLayouts {
  readonly model: ParameterLayout;
  /** Of what devices learn together: what is personal is not in it. */
  readonly shared: ParameterLayout;
}

export async function openArithmetic(
  plan: CheckedPlan,
  config: BlobReference,
  baseVersion: number,
  layouts: RoundLayouts,
  blobs: BlobWorkspace,
  strategies: Strategies,
): Promise<RoundArithmetic> {
  const { name = "", robust = {} } = plan.plan.aggregator ?? {};
  const aggregator = aggregatorOf(plan.plan.aggregator);
  const sent = sentLayout(layouts.shared, plan);
  const given = decodeRoundConfig(await blobs.get(config.digest), scaledTable(plan), plan.train.algorithm);
  const parsed = aggregator.parseConfig(given.aggregator);
  return {
    aggregator,
    rule: isRobust(name) ? robustRuleNamed(name, robust) : null,
    ...{ plan, strategies },
    round: openSumRound(parsed, baseVersion),
    layouts,
    sent,
  };
}

/**
 * Adds contributions to a round's partial sum and stores the new one. In
 * memory there are one sum and one update, whatever the cohort. A robust rule
 * gets all contributions of the round in one fold.
 */
export async function fold(
  effect: Fold,
  arithmetic: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<Pick<Folded, "accumulator" | "leftOut">> {
  const { aggregator, round, rule } = arithmetic;
  if (rule !== null) return foldAtOnce(effect.contributions, rule, arithmetic, blobs);
  let accumulator = await readAccumulator(effect.accumulator, arithmetic, blobs);
  for (const contribution of effect.contributions) {
    accumulator = aggregator.accumulate(round, accumulator, {
      format: "f32",
      contributors: [contribution.device],
      configDigest: round.configDigest,
      baseVersion: round.baseVersion,
      weight: contribution.weight,
      values: readUpdate(await blobs.get(contribution.body.digest), arithmetic),
      bits: readBits(aggregator, contribution.bits ?? {}),
    });
  }
  return { accumulator: await blobs.put(encodeAccumulator(accumulator)) };
}

/**
 * The mean update, through the server optimizer, onto the base: the round's weights. What is
 * personal stays as it was.
 */
export async function finalise(
  effect: Finalise,
  arithmetic: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<Pick<Finalised, "weights" | "optimizerState" | keyof AggregatorOutcome>> {
  const { layouts, plan, strategies } = arithmetic;
  const base = decodeSafetensors(await blobs.get(effect.base.digest), layouts.model);
  const shared = pickTensors(base, layouts.model, layouts.shared);
  const { result: mean, contributors, ...outcome } = await combinedUpdates(effect, arithmetic, blobs);
  const combined = { stored: effect.optimizerState, base: shared, mean, contributors };
  const updated = await serverStep(plan, combined, strategies, blobs);
  const weights = placeTensors(base, layouts.model, updated.parameters, layouts.shared);
  return {
    weights: await blobs.put(encodeSafetensors(layouts.model, weights)),
    optimizerState: await blobs.put(encodeServerOptimizerState(updated.state)),
    ...outcome,
  };
}

/** One update of all, with what the aggregator's blocks keep and measured. */
async function combinedUpdates(
  effect: Finalise,
  arithmetic: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<AggregatorOutcome & { readonly result: Float64Array; readonly contributors: number }> {
  const { aggregator, round } = arithmetic;
  const accumulator = await readAccumulator(effect.accumulator, arithmetic, blobs);
  const { result, measurements } = aggregator.report(round, accumulator);
  const state = readAggregatorState(effect.aggregatorState, aggregator);
  return {
    ...{ result, contributors: accumulator.contributors.length },
    aggregatorState: writeAggregatorState(aggregator.next(state, accumulator)),
    measurements: flatMeasurements(aggregator.name, measurements),
  };
}

async function readAccumulator(
  reference: BlobReference | null,
  { aggregator, round }: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<Accumulator> {
  return reference === null ? aggregator.zero(round) : decodeAccumulator(await blobs.get(reference.digest));
}
