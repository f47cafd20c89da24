// Fleets of production code under seeded faults; see testkit/src/simulator. More seeds: npm run simulate-faults.

import assert from "node:assert/strict";
import { test } from "node:test";
import { faultKinds, type SimulationReport, simulateFleet } from "@selvedge/testkit";

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

test("[AK1] [AK2] [AK5] [RC3] [RC9] [ST5] what was acknowledged counts exactly once, no round hangs and storage is reclaimed, whatever is lost, cut, full, set back or killed when", async () => {
  const reports: SimulationReport[] = [];
  for (const seed of seeds) {
    const { trace, ...report } = await simulateFleet({ seed });
    assert.deepEqual(report.violations, [], `${trace.slice(-40).join("\n")}\nseed ${seed}`);
    reports.push({ ...report, trace: [] });
  }
  const jobs = reports.flatMap((report) => report.jobs);
  const completed = jobs.filter(({ status }) => status === "completed");
  assert.ok(
    completed.length >= jobs.length * 0.8,
    `only ${completed.length} of ${jobs.length} jobs completed`,
  );
  assert.ok(completed.every(({ contributions, roundsCompleted }) => contributions >= roundsCompleted));
  assert.ok(reports.some(({ devices }) => devices >= 200));
  for (const kind of faultKinds) {
    const struck = reports.reduce((sum, { faults }) => sum + (faults.get(kind) ?? 0), 0);
    assert.ok(struck > 0, `no ${kind} in ${seeds.length} seeds`);
  }
});

test("equal seeds give equal histories, different seeds different ones", async () => {
  const [first, again, other] = [
    await simulateFleet({ seed: 7 }),
    await simulateFleet({ seed: 7 }),
    await simulateFleet({ seed: 8 }),
  ];
  assert.equal(first.hash, again.hash);
  assert.notEqual(first.hash, other.hash);
});
