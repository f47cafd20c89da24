import type { DeviceState, TaskPhase } from "@selvedge/protocol";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** Where the numbers are read when somebody asks for them. */
export interface AgentMetricsSource {
  connected(): boolean;
  device(): DeviceState;
  /** Unix seconds. */
  certificateExpires(): number;
}

/** Adds a device's Prometheus metrics, and those of its process, to what its model server shows. */
export function addAgentMetrics(registry: Registry, source: AgentMetricsSource): void {
  // Seldom enough that an idle device sleeps.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 500 });
  const registers = [registry];
  gauge("selvedge_agent_connected", "1 while the coordinator has welcomed this device.", () => {
    return source.connected() ? 1 : 0;
  });
  gauge("selvedge_agent_certificate_expiry_seconds", "When the device's certificate ends, Unix time.", () => {
    return source.certificateExpires();
  });
  gauge(
    "selvedge_agent_sent_today_bytes",
    "What left for jobs today (UTC), as the daily limit counts it.",
    () => {
      return source.device().sent.bytes;
    },
  );
  new Gauge({
    name: "selvedge_agent_tasks",
    help: "Tasks of jobs: waiting, training, or trained and in the outbox.",
    labelNames: ["phase"],
    registers,
    collect() {
      for (const phase of phases) {
        this.set({ phase }, source.device().tasks.filter((task) => task.phase === phase).length);
      }
    },
  });

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
}

const phases: readonly TaskPhase[] = ["queued", "training", "trained"];
