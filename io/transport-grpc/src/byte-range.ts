/** Bytes `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a Range header (RFC 9110, 14.2) for a body of `length` bytes.
 *
 * @returns the range; "unsatisfiable" when it lies outside the body; undefined
 *   when there is none or it is to be ignored: another unit, several ranges,
 *   or bad syntax.
 */
export function parseRange(
  header: string | undefined,
  length: number,
): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : suffix(Number(last), length);
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= length) return "unsatisfiable";
  return { start, end: last === "" ? length : Math.min(Number(last) + 1, length) };
}

/**
 * Reads a Content-Range header (RFC 9110, 14.4) with a known total.
 * @returns undefined when it is absent or malformed.
 */
export function parseContentRange(
  header: string | undefined,
): (ByteRange & { readonly total: number }) | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? "");
  if (match === null) return undefined;
  const [start, last, total] = match.slice(1).map(Number) as [number, number, number];
  return start <= last && last < total ? { start, end: last + 1, total } : undefined;
}

export function formatContentRange({ start, end }: ByteRange, total: number): string {
  return `bytes ${start}-${end - 1}/${total}`;
}

function suffix(bytes: number, length: number): ByteRange | "unsatisfiable" {
  if (bytes === 0 || length === 0) return "unsatisfiable";
  return { start: Math.max(0, length - bytes), end: length };
}
