import type { DigitAnswer } from "./ask-for-digit.ts";

/** What a demo ends with: the last line of `--json`, its keys in this order. */
export interface DemoResult {
  /** Accuracies are on the 10,000 test images, 0 to 1. */
  readonly federatedAccuracy: number;
  readonly medianLoneAccuracy: number;
  readonly bestLoneAccuracy: number;
  readonly devices: number;
  readonly rounds: number;
  /** From devices, of all rounds. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly seconds: number;
  readonly model: { readonly name: string; readonly version: number; readonly digest: string };
  readonly inference: Pick<DigitAnswer, "url" | "predicted" | "expected">;
}

/** @param values - at least one */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** What the demo promises for its default settings and did not keep. */
export function brokenPromises(result: DemoResult): string[] {
  const { federatedAccuracy, medianLoneAccuracy, inference } = result;
  const gain = federatedAccuracy - medianLoneAccuracy;
  const broken: string[] = [];
  if (federatedAccuracy < accuracyMin) {
    broken.push(`the federated accuracy is ${federatedAccuracy.toFixed(4)}, below ${accuracyMin}`);
  }
  if (gain < gainMin) {
    broken.push(`it is ${gain.toFixed(4)} above the median device alone, less than ${gainMin}`);
  }
  if (inference.predicted !== inference.expected) {
    broken.push(`the model takes a ${inference.expected} for a ${inference.predicted}`);
  }
  return broken;
}

const accuracyMin = 0.95;
const gainMin = 0.15;
