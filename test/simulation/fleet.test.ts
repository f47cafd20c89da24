// A fleet of production code under seeded faults; see testkit/src/simulator. More seeds: npm run simulate-faults.

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type JobEffect, ReceiptSchema, Verdict } from "@selvedge/protocol";
import { type PlantedHooks, type SimulationReport, simulateFleet } from "@selvedge/testkit";

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

test("[AK1] [AK2] [AK5] what was acknowledged counts exactly once, whatever is lost, cut or killed when", async () => {
  const reports: SimulationReport[] = [];
  for (const seed of seeds) {
    const report = await simulateFleet({ seed });
    assert.deepEqual(report.violations, [], `${report.trace.slice(-40).join("\n")}\nseed ${seed}`);
    reports.push(report);
  }
  const completed = reports.filter(({ status }) => status === "completed");
  assert.ok(completed.length >= 45, `only ${completed.length} of ${seeds.length} jobs were completed`);
  assert.ok(sum(reports, ({ contributions }) => contributions) >= completed.length * 9);
  assertFaultsStruck(reports);
});

// They failed once: a fold whose round had failed meanwhile ended the job, and the discard of one
// device's body took another's equal bytes between their check and their acceptance.
for (const seed of [48, 98, 267]) {
  test(`[AK5] seed ${seed} once ended a job over blobs that were gone`, async () => {
    const { violations, trace } = await simulateFleet({ seed });
    assert.deepEqual(violations, [], trace.slice(-40).join("\n"));
  });
}

test("equal seeds give equal histories, different seeds different ones", async () => {
  const [first, again, other] = [
    await simulateFleet({ seed: 7 }),
    await simulateFleet({ seed: 7 }),
    await simulateFleet({ seed: 8 }),
  ];
  assert.equal(first.hash, again.hash);
  assert.notEqual(first.hash, other.hash);
});

test("a coordinator that acknowledges before its commit is found out", async () => {
  const report = await simulateFleet({ seed: 1, planted: acknowledgeEarly });
  assert.ok(
    report.violations.some((violation) => violation.startsWith("AK2")),
    report.violations.join("\n"),
  );
});

test("a fold that forgets a contribution is found out", async () => {
  const { violations } = await simulateFleet({ seed: 1, planted: forgetOne });
  assert.ok(
    violations.some((violation) => violation.startsWith("AK5: weight")),
    violations.join("\n"),
  );
});

test("[DS5] statistics that lack a device's are found out, too", async () => {
  const sound = await simulateFleet({ seed: 4 });
  assert.deepEqual(sound.violations, []);
  const { violations } = await simulateFleet({ seed: 4, planted: forgetOne });
  assert.ok(
    violations.some((violation) => violation.startsWith("AK5: the statistics")),
    violations.join("\n"),
  );
});

/** Sends the receipts that a commit is about to make durable, and then commits. */
const acknowledgeEarly: PlantedHooks = (send) => ({
  beforeCommit({ writes }) {
    for (const { key, value } of writes) {
      const effect = value as unknown as JobEffect | undefined;
      if (!key.startsWith("job/effect/") || effect?.type !== "receipt") continue;
      const { round, digest, reason } = effect;
      if (effect.verdict !== "accepted") continue;
      const receipt = { job: "simulated", round, digest, verdict: Verdict.ACCEPTED, reason };
      send(effect.device, { case: "receipt", value: create(ReceiptSchema, receipt) });
    }
  },
});

/** Folds what is there already, and leaves out what came next. */
const forgetOne: PlantedHooks = () => ({
  beforeCommit({ writes }) {
    for (const { key, value } of writes) {
      const effect = value as unknown as JobEffect | undefined;
      if (!key.startsWith("job/effect/") || effect?.type !== "fold") continue;
      if (effect.accumulator !== null) Object.assign(effect, { contributions: [] });
    }
  },
});

function assertFaultsStruck(reports: readonly SimulationReport[]): void {
  const kinds = [
    "loss",
    "duplicate",
    "delay",
    "linkCut",
    "dialFailure",
    "transferFailure",
    "kill",
    "powerCut",
    "slowTraining",
    "trainingFailure",
  ] as const;
  for (const kind of kinds) {
    const struck = sum(reports, ({ faults }) => faults.get(kind) ?? 0);
    assert.ok(struck > 0, `no ${kind} in ${reports.length} seeds`);
  }
}

function sum(reports: readonly SimulationReport[], of: (report: SimulationReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}
