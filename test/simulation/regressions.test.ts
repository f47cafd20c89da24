// Seeds that once broke a promise, each with what it taught. A change to the simulator gives them other histories.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readableTrace, simulateFleet } from "@selvedge/testkit";

const seeds: readonly (readonly [seed: number, rule: string, lesson: string])[] = [
  [34, "RC9", "a job waits its grace time by the time that passes, not by a clock that was set back"],
  [80, "RC9", "nor does a deadline come later because a clock was set back"],
  [6, "AK5", "a commit that was reported as failed may have happened: the store is asked"],
];

for (const [seed, rule, lesson] of seeds) {
  test(`[${rule}] seed ${seed}: ${lesson}`, async () => {
    const report = await simulateFleet({ seed });
    assert.deepEqual(report.violations, [], readableTrace(report).join("\n"));
  });
}
