// Fleets of production code under seeded faults; see testkit/src/simulator. More seeds: npm run simulate-faults.

import assert from "node:assert/strict";
import { test } from "node:test";
import { faultKinds, simulateFleet, simulateSeeds } from "@selvedge/testkit";

const seeds = { from: 1, count: 50 };

test("[AK1] [AK2] [AK5] [CS1] [RC3] [RC9] [ST5] what was acknowledged counts exactly once, no round hangs and storage is reclaimed, whatever is lost, cut, full, set back or killed when", async () => {
  const outcomes = await simulateSeeds(seeds);
  for (const { seed, violations } of outcomes) {
    assert.deepEqual(violations, [], `npm run simulate-faults -- --seeds 1 --from ${seed}`);
  }
  const jobs = outcomes.flatMap((outcome) => outcome.jobs);
  const completed = jobs.filter(({ status }) => status === "completed");
  assert.ok(
    completed.length >= jobs.length * 0.8,
    `only ${completed.length} of ${jobs.length} jobs completed`,
  );
  assert.ok(completed.every(({ contributions, roundsCompleted }) => contributions >= roundsCompleted));
  assert.ok(outcomes.some(({ devices }) => devices >= 200));
  const struck = new Set(outcomes.flatMap(({ faults }) => faults.map(([kind]) => kind)));
  assert.deepEqual(struck, new Set(faultKinds));
});

test("equal seeds give equal histories, in any thread; different seeds different ones", async () => {
  const [first, second] = await simulateSeeds({ from: 7, count: 2 });
  const again = await simulateFleet({ seed: 7 });
  assert.equal(again.hash, first?.hash);
  assert.equal(again.trace.filter((line) => line.includes("FAULT")).length, faultsOf(first?.faults));
  assert.notEqual(again.hash, second?.hash);
});

function faultsOf(faults: readonly (readonly [string, number])[] = []): number {
  return faults.reduce((sum, [, count]) => sum + count, 0);
}
