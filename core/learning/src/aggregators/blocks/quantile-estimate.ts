import { SelvedgeError } from "@selvedge/protocol";

/** How a bound follows a quantile of what devices measure. */
export interface QuantileRule {
  /** The share of devices that are to be within the bound, 0 < q < 1. */
  readonly quantile: number;
  /** Before the first round, above 0. */
  readonly initial: number;
  /** Of the estimate's logarithm, above 0. */
  readonly learningRate: number;
}

/**
 * One step of the estimate: it falls where more devices than the quantile are within it, and
 * rises where fewer are, geometrically. Each device says one bit, so that later noise on
 * a count of bits makes it private (Andrew et al., arXiv 1905.03871, algorithm 1).
 *
 * @param within how many of `contributors` measured at most `estimate`
 */
export function nextEstimate(
  { quantile, learningRate }: QuantileRule,
  estimate: number,
  within: number,
  contributors: number,
): number {
  if (contributors === 0) return estimate;
  const next = estimate * Math.exp(-learningRate * (within / contributors - quantile));
  return Math.min(Math.max(next, estimateMin), estimateMax);
}

/** @throws SelvedgeError `invalid_argument` unless `value` is one object of exactly one positive `bound` */
export function parseBound(value: unknown, name: string): { readonly bound: number } {
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const [field, bound] = given[0] ?? [];
  const isBound = typeof bound === "number" && bound >= estimateMin && bound <= boundMax;
  if (given.length === 1 && field === "bound" && isBound) return { bound };
  throw new SelvedgeError("invalid_argument", "a configuration is a bound above 0", {
    at: `${name} configuration`,
  });
}

/** So that an estimate that everybody is beyond, or within, comes back in fewer than 200 rounds. */
const estimateMin = 1e-30;
const estimateMax = 1e30;
/** Of what is made of an estimate. */
const boundMax = 1e37;
