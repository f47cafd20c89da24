import {
  type AggregatorBlock,
  type AggregatorSpec,
  isRobust,
  plannedAggregators,
  plannedBlocks,
  robustRuleNames,
  SelvedgeError,
} from "@selvedge/protocol";
import type { Aggregator } from "./aggregators/aggregator.ts";
import { atOnce } from "./aggregators/at-once.ts";
import { around, type Block } from "./aggregators/block.ts";
import { clipping } from "./aggregators/blocks/clipping.ts";
import { quantisation } from "./aggregators/blocks/quantisation.ts";
import { sampling } from "./aggregators/blocks/sampling.ts";
import { zeroing } from "./aggregators/blocks/zeroing.ts";
import { sum } from "./aggregators/sum.ts";
import { unweightedMean } from "./aggregators/unweighted-mean.ts";
import { weightedMean } from "./aggregators/weighted-mean.ts";

/** What a plan says of its aggregator: plain data. */
export type PlannedAggregator = Pick<AggregatorSpec, "name"> & {
  readonly blocks?: readonly Partial<AggregatorBlock>[];
};

/**
 * The aggregator of a plan, composed of its blocks around what makes one of all updates; of a robust rule only
 * the device's half (see `atOnce`). Configurations must have gone through its own `prepare` or `parseConfig`;
 * the type no longer tells them apart.
 *
 * @throws SelvedgeError `not_found`, listing the names there are; `invalid_argument` where blocks do not fit
 */
export function aggregatorOf(planned: PlannedAggregator | undefined): Aggregator {
  const { name = "", blocks = [] } = planned ?? {};
  const innermost = isRobust(name) ? atOnce(name) : aggregators.get(name);
  if (innermost === undefined) {
    throw unknown("aggregator.name", name, [...plannedAggregators, ...robustRuleNames]);
  }
  return blocks.reduceRight((inner: Aggregator, block) => around(blockOf(block), inner), innermost);
}

/** To add what makes one of all updates, list it here and in `plannedAggregators`. */
const aggregators: ReadonlyMap<string, Aggregator> = new Map(
  [weightedMean, unweightedMean, sum].map((aggregator) => [aggregator.name, aggregator]),
);

/** To add a block, list it here and in `plannedBlocks`. */
function blockOf({ name = "", ...given }: Partial<AggregatorBlock>): Block {
  const { fraction = Number.NaN, bits = Number.NaN } = given;
  switch (name) {
    case "zeroing":
      return zeroing(boundOf(given));
    case "clipping":
      return clipping(boundOf(given));
    case "sampling":
      return sampling({ fraction });
    case "quantisation":
      return quantisation({ bits });
    default:
      throw unknown("aggregator.blocks", name, Object.keys(plannedBlocks));
  }
}

/** A bound that stays, or the options that are given of one that moves. */
function boundOf({
  bound,
  quantile,
  initial,
  learningRate,
  multiplier,
  increment,
}: Partial<AggregatorBlock>) {
  if (bound !== undefined) return { bound };
  return {
    ...(quantile !== undefined && { quantile }),
    ...(initial !== undefined && { initial }),
    ...(learningRate !== undefined && { learningRate }),
    ...(multiplier !== undefined && { multiplier }),
    ...(increment !== undefined && { increment }),
  };
}

function unknown(field: string, name: string, known: readonly string[]): SelvedgeError {
  return new SelvedgeError("not_found", `no aggregator "${name}"`, {
    at: `plan.${field}`,
    fix: `use one of: ${known.join(", ")}`,
  });
}
