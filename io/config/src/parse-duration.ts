/**
 * A duration in words, such as "90s", "1.5h" or "2m".
 *
 * @returns whole milliseconds; undefined when it is none.
 */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = unitsMs[unit ?? ""];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** What a message says about durations. */
export const durationForm: string = 'a number and a unit (ms, s, m, h, d), such as "90s" or "2m"';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
