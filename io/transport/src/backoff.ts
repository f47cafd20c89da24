/** Bounds of an exponential backoff. */
export interface BackoffOptions {
  /** Upper bound of the first wait, milliseconds. */
  readonly initialMs: number;
  /** Upper bound of any wait, milliseconds. */
  readonly maximumMs: number;
  /** Growth of the bound from one attempt to the next. */
  readonly factor: number;
}

export const defaultBackoff: BackoffOptions = { initialMs: 1_000, maximumMs: 300_000, factor: 2 };

/**
 * Full-jitter exponential backoff: a wait drawn evenly from 0 to the bound, so
 * that a fleet which lost its coordinator at once does not return at once
 * (M. Brooker, "Exponential Backoff and Jitter", 2015). A wait the other side
 * asked for is a floor, spread over as much again.
 *
 * @param attempt failures so far, from 1.
 * @param random in [0, 1).
 * @param retryAfterMs what the other side asked for (RFC 9110, 10.2.3).
 * @returns milliseconds, whole.
 */
export function backoffMs(
  attempt: number,
  random: number,
  options: BackoffOptions = defaultBackoff,
  retryAfterMs = 0,
): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 64);
  const bound = Math.min(options.initialMs * options.factor ** exponent, options.maximumMs);
  if (retryAfterMs <= 0) return Math.floor(random * bound);
  const floor = Math.min(retryAfterMs, options.maximumMs);
  return Math.floor(floor + random * Math.max(floor, bound));
}
