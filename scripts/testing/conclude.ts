import type { Outcome } from "./outcome.ts";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Prints the objections and, alone on the last line, the count; sets the exit code. An objection is a failure
 * of its own, so that the last line and the exit code agree; so is each tool that failed.
 */
export function conclude(results: readonly Pick<Outcome, "kind">[], toolsFailed: number): void {
  const count = (kind: Outcome["kind"]): number => results.filter((result) => result.kind === kind).length;
  const tally = {
    passed: count("passed"),
    failed: count("failed") + toolsFailed,
    skipped: count("skipped"),
  };
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
