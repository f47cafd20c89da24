import { SelvedgeError } from "@selvedge/protocol";

/** @throws SelvedgeError `invalid_argument` unless a mean has as many values as devices send */
export function checkSentLength(algorithm: string, mean: Float64Array, expected: number): void {
  if (mean.length === expected) return;
  throw new SelvedgeError("invalid_argument", `a mean of ${mean.length} values where ${expected} are sent`, {
    at: algorithm,
  });
}
