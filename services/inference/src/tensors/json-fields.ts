import { limits, SelvedgeError } from "@selvedge/protocol";

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws SelvedgeError `invalid_argument` when it is no object */
export function objectAt(value: unknown, at: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalid(at, `must be an object and is ${show(value)}`);
}

/** @throws SelvedgeError `invalid_argument` when it is no array */
export function arrayAt(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(at, `must be an array and is ${show(value)}`);
}

/**
 * The `parameters` of a request or of a part of it; none when it has none.
 *
 * @throws SelvedgeError `invalid_argument` when they are no object
 */
export function parametersOf(holder: JsonObject, prefix = ""): JsonObject {
  return holder.parameters === undefined ? {} : objectAt(holder.parameters, `${prefix}parameters`);
}

/** @throws SelvedgeError `invalid_argument` when it is there and neither true nor false */
export function flagAt(value: unknown, at: string): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw invalid(at, `must be true or false and is ${show(value)}`);
}

/** @throws SelvedgeError `invalid_argument` when it is there and no whole number from 0 to 2^53 */
export function countAt(value: unknown, at: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) {
    return value as number | undefined;
  }
  throw invalid(at, `must be a whole number and is ${show(value)}`);
}

/** An error that names the field. */
export function invalid(at: string, problem: string, fix?: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `${at} ${problem}`, {
    at,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** A caller's value in a message: short, whatever it holds and however deep. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, shownLengthMax));
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? "an object" : String(value);
  const isShort = value.length <= limits.tensorRankMax && value.every((each) => !(each instanceof Object));
  return isShort ? `[${value.map(show).join()}]` : `an array of ${value.length}`;
}

const shownLengthMax = 80;
