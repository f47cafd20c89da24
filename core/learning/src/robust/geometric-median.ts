import { contributionsFor } from "@selvedge/protocol";
import { eachBlock } from "./blocks.ts";
import { addShare } from "./mean-of.ts";
import type { RobustAggregate, RobustRule, StoredUpdates } from "./robust-rule.ts";

/**
 * The point with the smallest weighted sum of distances to all updates, approximately: RFA of
 * Pillutla et al., "Robust Aggregation for Federated Learning" (arXiv 1912.13445), algorithm 2, the
 * smoothed Weiszfeld algorithm, from the mean on. Devices count by their examples, so what it
 * withstands is less than half of all examples, not of all devices.
 *
 * @param iterations how often devices are weighted anew, each by one over its distance; in the
 *   authors' code 4
 * @param smoothing the paper's nu, the distance below which none counts as nearer; theirs is 1e-6
 */
export function geometricMedian(iterations: number = 4, smoothing: number = 1e-6): RobustRule {
  return {
    name: "geometric-median",
    ...contributionsFor("geometric-median", {}),

    async combine(updates: StoredUpdates): Promise<RobustAggregate> {
      const weights = Float64Array.from(updates.contributions, ({ weight }) => weight);
      let step = await weightedStep(updates, weights);
      for (let done = 0; done < iterations; done++) {
        const { distances } = step;
        step = await weightedStep(
          updates,
          weights.map((weight, index) => weight / Math.max(smoothing, distances[index] ?? 0)),
        );
      }
      return { result: step.mean, rejected: [], measurements: { iterations } };
    },
  };
}

/** The weighted mean, and how far each update is from it: both in one pass, for each block has all of its mean. */
async function weightedStep(
  updates: StoredUpdates,
  weights: Float64Array,
): Promise<{ readonly mean: Float64Array; readonly distances: Float64Array }> {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = new Float64Array(updates.parameters);
  const squares = new Float64Array(weights.length);
  await eachBlock(updates, (rows, offset) => {
    for (const [index, row] of rows.entries()) addShare(mean, offset, row, (weights[index] ?? 0) / total);
    for (const [index, row] of rows.entries()) {
      squares[index] = plusDistance(squares[index] ?? 0, row, mean, offset);
    }
  });
  return { mean, distances: squares.map(Math.sqrt) };
}

function plusDistance(sum: number, row: Float32Array, mean: Float64Array, offset: number): number {
  let total = sum;
  for (let at = 0; at < row.length; at++) {
    const difference = (row[at] ?? 0) - (mean[offset + at] ?? 0);
    total += difference * difference;
  }
  return total;
}
