import type { JobState, JobStatus } from "@selvedge/protocol";
import type { Traffic } from "@selvedge/transport-grpc";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** What is shown of a job. */
type JobFigures = Pick<
  JobState,
  "status" | "endedAt" | "roundsCompleted" | "failuresInARow" | "current" | "last"
>;

/** Where the numbers are read when somebody asks for them. */
export interface MetricsSource {
  /** Standing of each device that ever enrolled: "active", "revoked", … */
  standings(): readonly string[];
  online(): number;
  jobs(): Iterable<readonly [id: string, job: JobFigures]>;
  releasedModels(): number;
  /** Since the coordinator started. */
  traffic(): Traffic;
  /** Unix seconds. */
  certificateExpires(): number;
}

/** A coordinator's Prometheus metrics: the fleet, its jobs, and the process (resident memory, event loop lag, …). */
export function coordinatorMetrics(source: MetricsSource): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addFleetGauges(registry, source);
  addJobGauges(registry, source);
  addRoundGauge(registry, source);
  return registry;
}

function addFleetGauges(registry: Registry, source: MetricsSource): void {
  const registers = [registry];
  new Gauge({
    name: "selvedge_devices",
    help: "Devices that enrolled, by standing.",
    labelNames: ["standing"],
    registers,
    collect() {
      this.reset();
      this.set({ standing: "active" }, 0);
      for (const standing of source.standings()) this.inc({ standing });
    },
  });
  gauge(registry, "selvedge_devices_online", "Devices with a session.", () => source.online());
  gauge(registry, "selvedge_released_models", "Released model versions.", () => source.releasedModels());
  gauge(
    registry,
    "selvedge_server_certificate_expiry_seconds",
    "When the certificate of the port ends, Unix time.",
    () => source.certificateExpires(),
  );
  gauge(registry, "selvedge_received_bytes", "Bytes from devices and operators since the start.", () => {
    return source.traffic().received;
  });
  gauge(registry, "selvedge_sent_bytes", "Bytes to devices and operators since the start.", () => {
    return source.traffic().sent;
  });
}

function addJobGauges(registry: Registry, source: MetricsSource): void {
  const registers = [registry];
  new Gauge({
    name: "selvedge_jobs",
    help: "Jobs, by status.",
    labelNames: ["status"],
    registers,
    collect() {
      this.reset();
      for (const status of statuses) this.set({ status }, 0);
      for (const [, { status }] of source.jobs()) this.inc({ status });
    },
  });
  perJob(
    registry,
    source,
    "selvedge_job_rounds_completed",
    "Rounds completed.",
    (job) => job.roundsCompleted,
  );
  perJob(
    registry,
    source,
    "selvedge_job_failed_rounds_in_a_row",
    "Failed rounds since the last that completed.",
    (job) => {
      return job.failuresInARow;
    },
  );
  perJob(
    registry,
    source,
    "selvedge_job_contributions",
    "Contributions accepted in the open round.",
    ({ current }) => {
      if (current === null) return undefined;
      return Object.values(current.members).filter(({ status }) => status === "contributed").length;
    },
  );
  perJob(
    registry,
    source,
    "selvedge_job_accuracy",
    "Accuracy on the coordinator's own data after the last round.",
    ({ last }) => {
      return last?.evaluation.accuracy;
    },
  );
}

/** Every figure of a job's last round, the rates of single classes included. */
function addRoundGauge(registry: Registry, source: MetricsSource): void {
  new Gauge({
    name: "selvedge_job_metric",
    help: "What the last round measured, on the coordinator's data or by its devices. Jobs that have not ended only.",
    labelNames: ["job", "source", "metric"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [job, { endedAt, last }] of source.jobs()) {
        if (endedAt !== null || last === null) continue;
        for (const [metric, value] of Object.entries(last.evaluation)) {
          this.set({ job, source: "evaluation", metric }, value);
        }
        for (const [metric, value] of Object.entries(last.federated)) {
          this.set({ job, source: "devices", metric }, value);
        }
      }
    },
  });
}

/** Of jobs that have not ended: others would be listed for ever. */
function perJob(
  registry: Registry,
  source: MetricsSource,
  name: string,
  help: string,
  read: (job: JobFigures) => number | undefined,
): void {
  new Gauge({
    name,
    help: `${help} Jobs that have not ended only.`,
    labelNames: ["job"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [job, state] of source.jobs()) {
        const value = state.endedAt === null ? read(state) : undefined;
        if (value !== undefined) this.set({ job }, value);
      }
    },
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

const statuses: readonly JobStatus[] = ["waiting", "running", "completed", "failed", "cancelled"];
