export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const emptyTally: Tally = { passed: 0, failed: 0, skipped: 0 };

export function addTallies(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * Prints the objections and, alone on the last line, the count; sets the exit code. An objection is a failure
 * of its own, so that the last line and the exit code agree.
 */
export function conclude(tally: Tally): void {
  const found = objections(tally, { ci: process.env.CI === "true" });
  for (const objection of found) console.log(`✖ ${objection}`);
  const failed = tally.failed + found.length;
  console.log(`${tally.passed} passed, ${failed} failed, ${tally.skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/**
 * Says what stands against a run as a whole, beside its failures: that it ran no test, or that it skipped in
 * continuous integration, where all that tests need must be present.
 */
function objections({ passed, failed, skipped }: Tally, { ci }: { ci: boolean }): string[] {
  return [
    ...(passed + failed === 0 ? ["No test was executed."] : []),
    ...(ci && skipped > 0 ? [`${skipped} tests were skipped, and CI=true allows no skip.`] : []),
  ];
}
