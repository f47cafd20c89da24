import { limits, SelvedgeError } from "@selvedge/protocol";

/** Milliseconds, by what is certified. */
export const lifetimesMs: Readonly<Record<"root" | "intermediate" | "bridge" | "server", number>> = {
  root: days(7300),
  intermediate: days(1825),
  bridge: days(1825),
  server: days(365),
};

/** How long devices may be out of reach, when nothing else was said: a certificate then lasts seven days. */
export const defaultOfflineBudgetMs: number = days(7) / 3;

/** Device clocks are often behind; a certificate is already valid for them. */
export const clockSkewMs = 600_000;

/**
 * Renewal begins at half of a certificate's life and may take the other half, so
 * a third of it is what a device can be out of reach at the worst moment.
 *
 * @param offlineBudgetMs - 0 to `limits.offlineBudgetMsMax`.
 * @throws SelvedgeError `invalid_argument`.
 */
export function deviceLifetimeMs(offlineBudgetMs: number): number {
  if (offlineBudgetMs >= 0 && offlineBudgetMs <= limits.offlineBudgetMsMax) {
    return Math.max(days(1), 3 * offlineBudgetMs);
  }
  throw new SelvedgeError("invalid_argument", "a device cannot have this offline budget", {
    at: "offline budget",
    fix: `give at most ${limits.offlineBudgetMsMax / days(1)} days`,
  });
}

function days(count: number): number {
  return count * 86_400_000;
}
