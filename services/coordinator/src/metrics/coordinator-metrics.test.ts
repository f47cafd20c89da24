import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoundSummary } from "@selvedge/protocol";
import { coordinatorMetrics, type MetricsSource } from "./coordinator-metrics.ts";

type Jobs = ReturnType<MetricsSource["jobs"]>;

const ended = {
  status: "completed",
  endedAt: 5,
  roundsCompleted: 3,
  failuresInARow: 0,
  current: null,
  last: null,
} as const;

async function lines(changes: Partial<MetricsSource>): Promise<readonly string[]> {
  const registry = coordinatorMetrics({
    standings: () => [],
    online: () => 0,
    jobs: () => [],
    releasedModels: () => 0,
    traffic: () => ({ received: 0, sent: 0 }),
    certificateExpires: () => 0,
    ...changes,
  });
  return (await registry.metrics()).split("\n");
}

test("the fleet is counted by standing and presence", async () => {
  const found = await lines({ standings: () => ["active", "revoked", "active"], online: () => 1 });
  for (const line of [
    'selvedge_devices{standing="active"} 2',
    'selvedge_devices{standing="revoked"} 1',
    "selvedge_devices_online 1",
  ]) {
    assert.ok(found.includes(line), line);
  }
});

test("every status has a count, and only jobs that have not ended have figures of their own", async () => {
  const running = { ...ended, status: "running", endedAt: null, failuresInARow: 2 } as const;
  const jobs: Jobs = [
    ["digits-1", ended],
    ["digits-2", running],
  ];
  const found = await lines({ jobs: () => jobs });
  for (const line of [
    'selvedge_jobs{status="running"} 1',
    'selvedge_jobs{status="completed"} 1',
    'selvedge_jobs{status="failed"} 0',
    'selvedge_job_rounds_completed{job="digits-2"} 3',
    'selvedge_job_failed_rounds_in_a_row{job="digits-2"} 2',
  ]) {
    assert.ok(found.includes(line), line);
  }
  assert.ok(!found.some((line) => line.includes('job="digits-1"')));
});

test("what the last round measured is told by job, source and metric", async () => {
  const last = { evaluation: { macro_f1: 0.5 }, federated: { eval_f1_3: 0.25 } } as unknown as RoundSummary;
  const found = await lines({ jobs: () => [["digits-2", { ...ended, endedAt: null, last }]] });
  for (const line of [
    'selvedge_job_metric{job="digits-2",source="evaluation",metric="macro_f1"} 0.5',
    'selvedge_job_metric{job="digits-2",source="devices",metric="eval_f1_3"} 0.25',
  ]) {
    assert.ok(found.includes(line), line);
  }
});

test("the process itself is measured too", async () => {
  const found = await lines({});
  assert.ok(found.some((line) => line.startsWith("process_resident_memory_bytes ")));
  assert.ok(found.some((line) => line.startsWith("nodejs_eventloop_lag_seconds ")));
});
