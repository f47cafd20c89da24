import { SelvedgeError } from "@selvedge/protocol";
import type { InferRequest } from "../tensors/infer-request.ts";
import { batchLength, rowsOf } from "./batch.ts";

/** When requests that wait are run together (Triton's dynamic batcher). */
export interface BatchPolicy {
  /** Examples that one run may hold. */
  readonly rowsMax: number;
  /** Numbers of examples worth waiting for; empty: as many as a run may hold. */
  readonly preferredRows: readonly number[];
  /** How long the oldest request may wait for others, microseconds; 0: not at all. */
  readonly delayUs: number;
}

/** How many of the waiting requests run now, or for how long none does, milliseconds. */
export type BatchDecision = { readonly take: number } | { readonly waitMs: number };

/**
 * What to do with the requests that wait, now that the model is free: the largest preferred number of examples, if one
 * can be had; otherwise, when they have waited long enough or no more can join, as many as fit; otherwise wait.
 *
 * @param requests - from the oldest on, at least one
 * @param waitedMs - how long the oldest has waited
 */
export function nextBatch(
  requests: readonly InferRequest[],
  waitedMs: number,
  { rowsMax, preferredRows, delayUs }: BatchPolicy,
): BatchDecision {
  const fitting = batchLength(requests, rowsMax);
  const delayMs = delayUs / 1_000;
  const late = delayMs > 0 && waitedMs >= delayMs;
  if (late || (delayMs === 0 && preferredRows.length === 0)) return { take: fitting };
  const { preferred, rows } = preferredLength(requests.slice(0, fitting), preferredRows);
  if (preferred > 0) return { take: preferred };
  const enough = preferredRows.length === 0 ? rowsMax : Math.max(...preferredRows);
  const full = fitting < requests.length || rows >= enough;
  return full || delayMs === 0 ? { take: fitting } : { waitMs: delayMs - waitedMs };
}

/** @throws SelvedgeError `invalid_argument` when it cannot be kept */
export function checkBatchPolicy({ rowsMax, preferredRows, delayUs }: BatchPolicy): void {
  const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 1 && size <= rowsMax;
  if (!Number.isSafeInteger(rowsMax) || rowsMax < 1)
    throw wrong("the largest batch", "a whole number above 0");
  if (!preferredRows.every(isSize)) {
    throw wrong("a preferred batch size", `a whole number from 1 to the largest batch, ${rowsMax}`);
  }
  if (!Number.isSafeInteger(delayUs) || delayUs < 0 || delayUs > delayUsMax) {
    throw wrong("the longest delay of a batch", `0 to ${delayUsMax} microseconds`);
  }
}

/** The longest start whose examples are a preferred number, 0 when there is none, and the examples in all. */
function preferredLength(
  requests: readonly InferRequest[],
  preferredRows: readonly number[],
): { readonly preferred: number; readonly rows: number } {
  let preferred = 0;
  let rows = 0;
  for (const [index, { feeds }] of requests.entries()) {
    rows += rowsOf(feeds);
    if (preferredRows.includes(rows)) preferred = index + 1;
  }
  return { preferred, rows };
}

function wrong(what: string, expected: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `${what} must be ${expected}`);
}

const delayUsMax = 10_000_000;
