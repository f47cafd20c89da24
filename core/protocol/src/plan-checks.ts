import { SelvedgeError } from "./errors.ts";

/** @throws SelvedgeError `invalid_argument` naming the plan's field */
export function range(field: string, value: number, low: number, high: number): void {
  if (Number.isFinite(value) && value >= low && value <= high) return;
  throw invalidPlan(field, `${value} is outside ${low} to ${high}`);
}

/** @throws SelvedgeError `invalid_argument` naming the plan's field */
export function oneOf(field: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw invalidPlan(field, `"${value.slice(0, 64)}" is not one of: ${allowed.join(", ")}`);
}

/** An error that names the plan's field, as in its proto file. */
export function invalidPlan(field: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the plan's ${field}: ${problem}`, { at: `plan.${field}` });
}

/** A step has at most so many parts. */
export const accumulateMax = 65_536;
