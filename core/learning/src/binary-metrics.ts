/** How often the positive class was predicted and was there. Counts of several sets add up. */
export interface BinaryCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** 0 to 1 each; undefined where there is nothing to divide by. */
export interface BinaryRates {
  /** Of what was predicted positive, the share that is. */
  readonly precision: number | undefined;
  /** Of what is positive, the share that was found. */
  readonly recall: number | undefined;
  /** 2 tp / (2 tp + fp + fn): their harmonic mean. */
  readonly f1: number | undefined;
}

/**
 * @param margins above 0 where the positive class is predicted
 * @param labels 1 for the positive class, 0 for the other
 */
export function countBinary(margins: Float32Array, labels: Int32Array): BinaryCounts {
  let [truePositives, falsePositives, falseNegatives] = [0, 0, 0];
  for (const [index, label] of labels.entries()) {
    const predicted = (margins[index] ?? 0) > 0;
    if (predicted && label === 1) truePositives += 1;
    if (predicted && label !== 1) falsePositives += 1;
    if (!predicted && label === 1) falseNegatives += 1;
  }
  return { truePositives, falsePositives, falseNegatives };
}

export function binaryRates({ truePositives, falsePositives, falseNegatives }: BinaryCounts): BinaryRates {
  return {
    precision: ratio(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, truePositives + falseNegatives),
    f1: ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
  };
}

/**
 * Average precision: the sum of `(R_n - R_(n-1)) P_n` over the thresholds from the highest margin
 * down, where examples of equal margin count together; without interpolation, as scikit-learn's
 * `average_precision_score` has it. undefined when no example is positive.
 */
export function averagePrecision(margins: Float32Array, labels: Int32Array): number | undefined {
  const order = Array.from(labels.keys()).sort((a, b) => (margins[b] ?? 0) - (margins[a] ?? 0));
  let [found, foundBefore, sum] = [0, 0, 0];
  for (const [place, index] of order.entries()) {
    found += labels[index] === 1 ? 1 : 0;
    const next = order[place + 1];
    if (next !== undefined && margins[next] === margins[index]) continue;
    sum += (found - foundBefore) * (found / (place + 1));
    foundBefore = found;
  }
  return ratio(sum, found);
}

function ratio(numerator: number, denominator: number): number | undefined {
  return denominator === 0 ? undefined : numerator / denominator;
}
