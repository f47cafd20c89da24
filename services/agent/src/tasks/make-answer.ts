import {
  aggregatorOf,
  decodeRoundConfig,
  encodeStatistics,
  nameBits,
  type RandomSource,
} from "@selvedge/learning";
import { encodeSafetensors } from "@selvedge/onnx";
import {
  type CheckedPlan,
  encodeEvaluation,
  type KeptState,
  type NextKept,
  type OfferFacts,
  SelvedgeError,
  scaledTable,
  type TrainingResult,
  traitsOf,
} from "@selvedge/protocol";
import type { Trainer } from "./trainer.ts";

/** What leaves the device for one round. */
export interface Answer extends Omit<TrainingResult, "body" | "kept"> {
  readonly bytes: Uint8Array;
  /** What does not leave. */
  readonly kept?: MadeKept;
}

export interface MadeKept extends Omit<NextKept, "body" | "expiresAt"> {
  readonly bytes: Uint8Array;
}

/** An offer that was taken, all of whose blobs are on this device. */
export interface TakenOffer {
  readonly plan: CheckedPlan;
  readonly offer: OfferFacts;
  /** What was kept for the job after an earlier round. */
  readonly kept: KeptState | undefined;
  /** Until the round's deadline, ms; absent: the device has all the time it needs. */
  readonly timeLeftMs?: number;
}

/**
 * Does what an offer asks for, and encodes what of it leaves the device.
 *
 * @param random for aggregators whose device half is random
 * @throws SelvedgeError `cancelled` when the signal aborts; as training and encoding throw
 */
export function makeAnswer(
  taken: TakenOffer,
  trainer: Trainer,
  random: RandomSource,
  signal: AbortSignal,
): Promise<Answer> {
  switch (taken.offer.kind) {
    case "statistics":
      return summary(taken, trainer, signal);
    case "evaluate":
      return evaluation(taken, trainer, signal);
    default:
      return update(taken, trainer, random, signal);
  }
}

async function update(
  { plan, offer, kept, timeLeftMs }: TakenOffer,
  trainer: Trainer,
  random: RandomSource,
  signal: AbortSignal,
): Promise<Answer> {
  const { base, round, baseVersion: roundsDone, control = null } = offer;
  const given = decodeRoundConfig(Buffer.from(offer.config), scaledTable(plan), plan.train.algorithm);
  const start = { plan, model: plan.model, base, round, roundsDone };
  const limit = plan.train.partialWork && timeLeftMs !== undefined ? { timeLeftMs } : {};
  const { lossScale, scaling } = given;
  const task = { ...start, ...limit, scaling, lossScale, kept: kept?.body ?? null, control };
  const trained = await trainer.train(task, signal);
  const aggregator = aggregatorOf(plan.plan.aggregator);
  const config = aggregator.parseConfig(given.aggregator);
  const { body, bits } = aggregator.encode(config, { form: "vector", values: trained.update }, random);
  return {
    bytes: body instanceof Float32Array ? encodeSafetensors(trained.layout, body) : body,
    ...(aggregator.format === "packed" && { format: aggregator.format }),
    ...(bits.length > 0 && { bits: nameBits(aggregator, bits) }),
    weight: aggregator.weigh(config, trained.examples),
    metrics: namedIn(plan, trained.metrics),
    ...(trained.kept && {
      kept: {
        bytes: trained.kept.bytes,
        since: trained.kept.isContinued ? (kept?.round ?? null) : null,
        ...(traitsOf(plan.train.algorithm).keeps && { ifCounted: true }),
      },
    }),
  };
}

async function evaluation(
  { plan, offer, kept }: TakenOffer,
  trainer: Trainer,
  signal: AbortSignal,
): Promise<Answer> {
  const { base, config, round } = offer;
  const { scaling } = decodeRoundConfig(Buffer.from(config), scaledTable(plan));
  const task = { plan, model: plan.model, base, round, scaling, kept: kept?.body ?? null };
  const measured = await trainer.measure(task, signal);
  const metrics = namedIn(plan, measured.metrics);
  return { bytes: encodeEvaluation(metrics), weight: measured.examples, metrics };
}

async function summary({ plan }: TakenOffer, trainer: Trainer, signal: AbortSignal): Promise<Answer> {
  const { table } = plan;
  if (table === null) throw new SelvedgeError("internal", "statistics of a plan without columns");
  const { statistics, examples } = await trainer.summarise({ plan, table }, signal);
  return { bytes: encodeStatistics(statistics), weight: examples, metrics: {} };
}

/** Nothing is reported but what the plan names (SPEC SU4). */
function namedIn({ metrics: names }: CheckedPlan, metrics: Answer["metrics"]): Answer["metrics"] {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => names.includes(name)));
}
