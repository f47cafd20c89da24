import { type Digest, limits, SelvedgeError } from "@selvedge/protocol";
import { addPartial, addScaled, gridStep, updateBound } from "./grid64.ts";

/** What every contribution to one sum has in common; only like merges with like. */
export interface SumIdentity {
  /** SHA-256 of the encoded client configuration that was offered. */
  readonly configDigest: Digest;
  /** Version of the model that the updates are relative to. */
  readonly baseVersion: number;
  /** Length of an update. */
  readonly parameters: number;
  /** The announced total weight, cohort times cap; the sum holds updates times weight / normaliser. */
  readonly normaliser: number;
}

/** One device's update in the format "f32". */
export interface ClientUpdate {
  readonly format: string;
  readonly contributors: readonly string[];
  readonly configDigest: string;
  readonly baseVersion: number;
  /** Examples trained on, capped: an integer >= 1. */
  readonly weight: number;
  /** `parameters` values: trained minus base, in layout order. */
  readonly values: Float32Array;
  /** The device's answers to the aggregator's questions; absent = there are none. */
  readonly bits?: readonly boolean[];
}

/**
 * A partial sum in the format "grid64" (see grid64.ts); or "combined", what a robust rule made of all
 * updates of a round, to which nothing can be added.
 */
export interface Accumulator {
  readonly format: "grid64" | "combined";
  readonly configDigest: Digest;
  readonly baseVersion: number;
  /** Ids whose updates are in it, ascending, each once. */
  readonly contributors: readonly string[];
  /** Sum of the contributors' weights: an integer, 0 when empty. */
  readonly weight: number;
  /** `parameters` multiples of 2^-40; of what is combined, what stands for all updates. */
  readonly sum: Float64Array;
  /** Of each of the aggregator's bits, how many contributors have it set; absent = there are none. */
  readonly counts?: readonly number[];
  /** Of what is combined: what the rule measured. */
  readonly measurements?: Readonly<Record<string, number>>;
}

export function emptyAccumulator(identity: SumIdentity): Accumulator {
  const { configDigest, baseVersion, parameters } = identity;
  return {
    format: "grid64",
    configDigest,
    baseVersion,
    contributors: [],
    weight: 0,
    sum: new Float64Array(parameters),
  };
}

/**
 * Folds one update in. The result takes over `accumulator`'s buffer: go on with
 * the result. When it throws, `accumulator` is as before.
 *
 * @throws SelvedgeError `conflict` for a contributor already counted,
 *   `failed_precondition` for another round, configuration or format,
 *   `out_of_range` for a weight or value outside its bounds
 */
export function addUpdate(
  identity: SumIdentity,
  accumulator: Accumulator,
  update: ClientUpdate,
): Accumulator {
  checkLike(identity, "accumulator", accumulator.format, "grid64", accumulator, accumulator.sum.length);
  checkLike(identity, "update", update.format, "f32", update, update.values.length);
  if (update.contributors.length !== 1) {
    throw new SelvedgeError("invalid_argument", `${update.contributors.length} contributors in one update`, {
      at: "update: contributors",
    });
  }
  checkContributors(update.contributors, "update");
  const weight = addWeights(identity, accumulator.weight, update.weight, 1);
  const contributors = union(accumulator.contributors, update.contributors);
  const counts = addCounts(accumulator.counts, update.bits?.map(Number), 1);
  addScaled(accumulator.sum, update.values, update.weight / identity.normaliser);
  return { ...accumulator, weight, contributors, ...counts };
}

/**
 * Adds a partial sum, which may come from a relay that is not trusted: no
 * value may be larger than its weight allows. Otherwise as `addUpdate`.
 *
 * @throws SelvedgeError as `addUpdate`
 */
export function mergeAccumulators(
  identity: SumIdentity,
  accumulator: Accumulator,
  partial: Accumulator,
): Accumulator {
  checkLike(identity, "accumulator", accumulator.format, "grid64", accumulator, accumulator.sum.length);
  checkLike(identity, "partial sum", partial.format, "grid64", partial, partial.sum.length);
  checkContributors(partial.contributors, "partial sum");
  const weight = addWeights(identity, accumulator.weight, partial.weight, partial.contributors.length);
  const contributors = union(accumulator.contributors, partial.contributors);
  const counts = addCounts(accumulator.counts, partial.counts, partial.contributors.length);
  addPartial(accumulator.sum, partial.sum, boundOf(identity, partial));
  return { ...accumulator, weight, contributors, ...counts };
}

/**
 * What honest contributors of this weight cannot exceed: it keeps a hostile
 * partial sum from pushing the total past 2^13, where it would no longer be exact.
 */
function boundOf(identity: SumIdentity, partial: Accumulator): number {
  return (updateBound * partial.weight) / identity.normaliser + partial.contributors.length * gridStep;
}

function checkLike(
  identity: SumIdentity,
  what: string,
  format: string,
  expectedFormat: string,
  header: { readonly configDigest: string; readonly baseVersion: number },
  length: number,
): void {
  const fields = [
    ["format", format, expectedFormat],
    ["config digest", header.configDigest, identity.configDigest],
    ["base version", header.baseVersion, identity.baseVersion],
    ["length", length, identity.parameters],
  ] as const;
  for (const [field, actual, expected] of fields) {
    if (actual === expected) continue;
    throw new SelvedgeError("failed_precondition", `${field} is ${actual}, this sum takes ${expected}`, {
      at: `${what}: ${field}`,
      fix: "send it to the round it was made for",
    });
  }
}

/** @throws SelvedgeError unless ids ascend strictly, which also excludes duplicates */
function checkContributors(contributors: readonly string[], what: string): void {
  const at = `${what}: contributors`;
  if (contributors.length > limits.cohortMax) {
    throw new SelvedgeError("too_large", `${contributors.length} contributors, at most ${limits.cohortMax}`, {
      at,
    });
  }
  for (const [index, id] of contributors.entries()) {
    const previous = contributors[index - 1];
    const named = id.length > 0 && id.length <= limits.nameLengthMax;
    if (named && (previous === undefined || previous < id)) continue;
    throw new SelvedgeError("invalid_argument", `contributor ${index} is empty, too long or out of order`, {
      at,
    });
  }
}

function addWeights(identity: SumIdentity, weight: number, added: number, minimum: number): number {
  const total = weight + added;
  if (Number.isSafeInteger(added) && added >= minimum && total <= identity.normaliser) return total;
  throw new SelvedgeError(
    "out_of_range",
    `weight ${added} on top of ${weight} is not an integer from ${minimum} within the announced total of ${identity.normaliser}`,
    { at: "contribution: weight" },
  );
}

function addCounts(
  counts: readonly number[] = [],
  added: readonly number[] = [],
  contributors: number,
): Pick<Accumulator, "counts"> {
  const at = "contribution: bits";
  if (added.length !== counts.length) {
    throw new SelvedgeError("invalid_argument", `${added.length} bits, this sum counts ${counts.length}`, {
      at,
    });
  }
  if (!added.every((count) => Number.isInteger(count) && count >= 0 && count <= contributors)) {
    throw new SelvedgeError("out_of_range", `a count of bits is not from 0 to ${contributors}`, { at });
  }
  return counts.length === 0 ? {} : { counts: counts.map((count, index) => count + (added[index] ?? 0)) };
}

/** Merge of two ascending lists; linear, since a cohort may have 10,000. */
function union(left: readonly string[], right: readonly string[]): string[] {
  const merged: string[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const a = left[l];
    const b = right[r];
    if (a !== undefined && a === b) {
      throw new SelvedgeError("conflict", `${a} is already counted in this sum`, {
        at: "contribution: contributors",
        fix: "send each update to one aggregation point only",
      });
    }
    if (b === undefined || (a !== undefined && a < b)) {
      merged.push(a ?? "");
      l++;
    } else {
      merged.push(b);
      r++;
    }
  }
  return merged;
}
