import { setTimeout as sleep } from "node:timers/promises";

/** How long to wait for what must come, ms; far above what a slow machine needs. */
export const patienceMs = 60_000;
const pollMs = 50;

/** Waits until something that can be seen from outside is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not after ${patienceMs / 1_000} s: ${what}`);
    await sleep(pollMs);
  }
}

/** For what takes a signal. */
export function deadline(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(patienceMs) };
}
