import {
  type Accumulator,
  type Aggregator,
  aggregatorNamed,
  combineMetrics,
  decodeAccumulator,
  decodeRoundConfig,
  decodeServerOptimizerState,
  encodeAccumulator,
  encodeServerOptimizerState,
  openSumRound,
  type ServerOptimizer,
  type SumRound,
  serverOptimizerNamed,
} from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  type ParameterLayout,
  pickTensors,
  placeTensors,
} from "@selvedge/onnx";
import {
  type BlobReference,
  type CheckedPlan,
  type JobEffect,
  type JobEvent,
  type Metrics,
  scaledTable,
} from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";

type Fold = Extract<JobEffect, { type: "fold" }>;
type Finalise = Extract<JobEffect, { type: "finalise" }>;
type Finalised = Extract<JobEvent, { type: "finalised" }>;

/** What a round's arithmetic is done with. */
export interface RoundArithmetic {
  readonly aggregator: Aggregator;
  readonly optimizer: ServerOptimizer;
  readonly round: SumRound;
  readonly layouts: RoundLayouts;
}

export interface RoundLayouts {
  readonly model: ParameterLayout;
  /** Of what a device sends: what is personal is not in it. */
  readonly update: ParameterLayout;
}

export async function openArithmetic(
  plan: CheckedPlan,
  config: BlobReference,
  baseVersion: number,
  layouts: RoundLayouts,
  blobs: BlobWorkspace,
): Promise<RoundArithmetic> {
  const aggregator = aggregatorNamed(plan.plan.aggregator?.name ?? "");
  const given = decodeRoundConfig(await blobs.get(config.digest), scaledTable(plan));
  const parsed = aggregator.parseConfig(given.aggregator);
  const { name = "", ...options } = plan.plan.serverOptimizer ?? {};
  return {
    aggregator,
    optimizer: serverOptimizerNamed(name, options),
    round: openSumRound(parsed, baseVersion),
    layouts,
  };
}

/**
 * Adds contributions to a round's partial sum and stores the new one. In
 * memory there are one sum and one update, whatever the cohort.
 */
export async function fold(
  effect: Fold,
  arithmetic: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<BlobReference> {
  const { aggregator, round, layouts } = arithmetic;
  let accumulator = await readAccumulator(effect.accumulator, arithmetic, blobs);
  for (const contribution of effect.contributions) {
    const values = decodeSafetensors(await blobs.get(contribution.body.digest), layouts.update);
    accumulator = aggregator.accumulate(round, accumulator, {
      format: "f32",
      contributors: [contribution.device],
      configDigest: round.configDigest,
      baseVersion: round.baseVersion,
      weight: contribution.weight,
      values,
    });
  }
  return blobs.put(encodeAccumulator(accumulator));
}

/**
 * The mean update, through the server optimizer, onto the base: the round's weights. What is
 * personal stays as it was.
 */
export async function finalise(
  effect: Finalise,
  arithmetic: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<Omit<Finalised, "type" | "round" | "now">> {
  const { aggregator, optimizer, round } = arithmetic;
  const { model, update } = arithmetic.layouts;
  const accumulator = await readAccumulator(effect.accumulator, arithmetic, blobs);
  const base = decodeSafetensors(await blobs.get(effect.base.digest), model);
  const shared = pickTensors(base, model, update);
  const state =
    effect.optimizerState === null
      ? optimizer.init(shared.length)
      : decodeServerOptimizerState(await blobs.get(effect.optimizerState.digest));
  const updated = optimizer.update(state, shared, aggregator.report(round, accumulator).result);
  const weights = placeTensors(base, model, updated.parameters, update);
  return {
    weights: await blobs.put(encodeSafetensors(model, weights)),
    optimizerState: await blobs.put(encodeServerOptimizerState(updated.state)),
    federated: federatedOf(effect),
  };
}

async function readAccumulator(
  reference: BlobReference | null,
  { aggregator, round }: RoundArithmetic,
  blobs: BlobWorkspace,
): Promise<Accumulator> {
  return reference === null ? aggregator.zero(round) : decodeAccumulator(await blobs.get(reference.digest));
}

/** What devices reported, for the whole cohort. */
function federatedOf(effect: Finalise): Metrics {
  return combineMetrics(
    Object.entries(effect.metrics).map(([device, metrics]) => ({
      metrics,
      weight: effect.weights[device] ?? 0,
    })),
  );
}
