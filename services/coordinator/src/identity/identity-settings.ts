import { limits, SelvedgeError } from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import { defaultOfflineBudgetMs, deviceLifetimeMs } from "./certificate-lifetimes.ts";
import { retryOnConflict } from "./retry-on-conflict.ts";

/** How a fleet treats devices that are out of reach. Given once, kept for later starts. */
export type IdentitySettings = {
  /** How long a device may be out of reach and find its certificate valid, milliseconds. */
  readonly offlineBudgetMs: number;
  /** How long after its certificate ran out a device is renewed without an operator, milliseconds. */
  readonly graceWindowMs: number;
};

/**
 * @param given - replaces what was stored.
 * @throws SelvedgeError `invalid_argument`.
 */
export async function openIdentitySettings(
  store: Store,
  given: Partial<IdentitySettings>,
): Promise<IdentitySettings> {
  return retryOnConflict(async () => {
    const stored = await store.read(key);
    const before = stored?.value as IdentitySettings | undefined;
    const settings = { ...defaults, ...before, ...given };
    deviceLifetimeMs(settings.offlineBudgetMs);
    checkGraceWindow(settings.graceWindowMs);
    if (JSON.stringify(settings) !== JSON.stringify(before))
      await store.commit({ writes: [{ key, expectedVersion: stored?.version ?? 0, value: settings }] });
    return settings;
  });
}

function checkGraceWindow(ms: number): void {
  if (ms >= 0 && ms <= limits.graceWindowMsMax) return;
  throw new SelvedgeError("invalid_argument", "this is no grace window", {
    at: "grace window",
    fix: `give at most ${limits.graceWindowMsMax / dayMs} days`,
  });
}

const dayMs = 86_400_000;
const key = "identity-settings";
const defaults: IdentitySettings = { offlineBudgetMs: defaultOfflineBudgetMs, graceWindowMs: 30 * dayMs };
