import type { AggregateReport } from "../aggregator.ts";
import type { Block, BlockOutput, Counted } from "../block.ts";
import { nextEstimate, parseBound, type QuantileRule } from "./quantile-estimate.ts";

/** A bound that stays, or one that is the estimate of a quantile of the devices' norms; what is not given is TFF's. */
export type ClippingOptions = { readonly bound: number } | Partial<QuantileRule>;

type BoundState = { readonly bound: number };

/**
 * An update whose L2 norm is beyond the bound is scaled down to it, so that no device moves the
 * mean by more than others may (McMahan et al., arXiv 1710.06963); with a quantile the bound
 * adapts (Andrew et al., arXiv 1905.03871).
 */
export function clipping(options: ClippingOptions = {}): Block<BoundState, BoundState, "vector", "clipped"> {
  const rule = { ...defaults, ...options };
  const fixed = "bound" in options ? options.bound : null;
  return {
    name: "clipping",
    takes: ["vector"],
    gives: "clipped",
    bits: ["within"],

    initialState(): BoundState {
      return { bound: fixed ?? rule.initial };
    },

    prepare({ bound }: BoundState): BoundState {
      return { bound };
    },

    parseConfig(value: unknown): BoundState {
      return parseBound(value, "clipping");
    },

    encode({ bound }: BoundState, values: Float32Array): BlockOutput<"clipped"> {
      const norm = normOf(values);
      const within = norm <= bound;
      // A norm that is no number is for whoever adds up to refuse, by index.
      if (within || !Number.isFinite(norm)) return { values, bits: [within] };
      const scale = bound / norm;
      return { values: values.map((value) => value * scale), bits: [within] };
    },

    report({ bound }: BoundState, inside: AggregateReport, counted: Counted): AggregateReport {
      const clipped = counted.contributors - (counted.counts[0] ?? 0);
      return { ...inside, measurements: { bound, clipped, ...inside.measurements } };
    },

    next({ bound }: BoundState, { counts, contributors }: Counted): BoundState {
      return { bound: fixed ?? nextEstimate(rule, bound, counts[0] ?? 0, contributors) };
    },
  };
}

/** The L2 norm, in float64. */
function normOf(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

/** Of TFF's `clipping_factory`. */
const defaults: QuantileRule = { quantile: 0.8, initial: 1, learningRate: 0.2 };
