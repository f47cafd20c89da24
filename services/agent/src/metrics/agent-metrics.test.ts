import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceState, emptyDevice, type Task } from "@selvedge/protocol";
import { Registry } from "prom-client";
import { addAgentMetrics } from "./agent-metrics.ts";

test("connection, tasks by phase, bytes sent today and the process itself are shown", async () => {
  const task = { phase: "trained", result: null, submittedAt: null } as unknown as Task;
  const device: DeviceState = { tasks: [task, task], sent: { day: 1, bytes: 700 } };
  const registry = new Registry();
  let connected = true;
  addAgentMetrics(registry, {
    connected: () => connected,
    device: () => (connected ? device : emptyDevice),
    certificateExpires: () => 1_800_000_000,
  });
  const lines = async (): Promise<string[]> => (await registry.metrics()).split("\n");
  const online = await lines();
  for (const line of [
    "selvedge_agent_connected 1",
    'selvedge_agent_tasks{phase="trained"} 2',
    'selvedge_agent_tasks{phase="queued"} 0',
    "selvedge_agent_sent_today_bytes 700",
    "selvedge_agent_certificate_expiry_seconds 1800000000",
  ]) {
    assert.ok(online.includes(line), line);
  }
  assert.ok(online.some((line) => line.startsWith("process_resident_memory_bytes ")));
  connected = false;
  const offline = await lines();
  assert.ok(offline.includes("selvedge_agent_connected 0"));
  assert.ok(offline.includes('selvedge_agent_tasks{phase="trained"} 0'));
});
