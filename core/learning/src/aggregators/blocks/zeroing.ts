import type { AggregateReport } from "../aggregator.ts";
import type { Block, BlockOutput, Counted } from "../block.ts";
import { nextEstimate, parseBound, type QuantileRule } from "./quantile-estimate.ts";

interface ZeroingRule extends QuantileRule {
  readonly multiplier: number;
  readonly increment: number;
}

/**
 * A bound that stays, or one that is `multiplier` times the estimate of a quantile plus `increment`;
 * what is not given is TFF's.
 */
export type ZeroingOptions = { readonly bound: number } | Partial<ZeroingRule>;

type ZeroingState = { readonly estimate: number };
type BoundConfig = { readonly bound: number };
type ZeroingConfig = BoundConfig | { readonly bound: number; readonly estimate: number };

/**
 * An update with a value beyond the bound counts as one of zeros: what is corrupt, or has diverged,
 * does no harm. (TensorFlow Federated's `zeroing_factory`, by the largest magnitude.)
 */
export function zeroing(
  options: ZeroingOptions = {},
): Block<ZeroingState, ZeroingConfig, "vector", "vector"> {
  const rule = { ...defaults, ...options };
  const fixed = "bound" in options ? options.bound : null;
  return {
    name: "zeroing",
    takes: ["vector"],
    gives: "vector",
    bits: fixed === null ? ["zeroed", "within"] : ["zeroed"],

    initialState(): ZeroingState {
      return { estimate: rule.initial };
    },

    prepare({ estimate }: ZeroingState): ZeroingConfig {
      if (fixed !== null) return { bound: fixed };
      return { bound: estimate * rule.multiplier + rule.increment, estimate };
    },

    parseConfig(value: unknown): ZeroingConfig {
      if (fixed !== null) return parseBound(value, "zeroing");
      const { estimate, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>;
      const { bound } = parseBound(rest, "zeroing");
      return { bound, estimate: parseBound({ bound: estimate }, "zeroing").bound };
    },

    encode(config: ZeroingConfig, values: Float32Array): BlockOutput<"vector"> {
      const largest = largestMagnitude(values);
      // Written so that NaN is zeroed too.
      const zeroed = !(largest <= config.bound);
      return {
        values: zeroed ? new Float32Array(values.length) : values,
        bits: "estimate" in config ? [zeroed, largest <= config.estimate] : [zeroed],
      };
    },

    report({ bound }: ZeroingConfig, inside: AggregateReport, { counts }: Counted): AggregateReport {
      const [zeroed = 0] = counts;
      return { ...inside, measurements: { bound, zeroed, ...inside.measurements } };
    },

    next({ estimate }: ZeroingState, { counts, contributors }: Counted): ZeroingState {
      const [, within = 0] = counts;
      return { estimate: fixed === null ? nextEstimate(rule, estimate, within, contributors) : estimate };
    },
  };
}

/** NaN where a value is. */
function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** Of TFF's `zeroing_factory`: adapts very quickly to a value well above the largest seen so far. */
const defaults: ZeroingRule = {
  ...{ quantile: 0.98, initial: 10, learningRate: Math.LN10 },
  ...{ multiplier: 2, increment: 1 },
};
