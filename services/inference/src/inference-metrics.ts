import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ModelVersion } from "./models/model-version.ts";

/** The server's Prometheus metrics, in a registry of their own. */
export class InferenceMetrics {
  readonly registry: Registry = new Registry();

  /** Inference requests answered. Model and version are empty when the request named none we have. */
  readonly requests: Counter<"model" | "version" | "code"> = new Counter({
    name: "selvedge_inference_requests_total",
    help: "Inference requests answered, by HTTP status code; gRPC's codes are counted as their like.",
    labelNames: ["model", "version", "code"],
    registers: [this.registry],
  });

  readonly duration: Histogram<"model" | "version"> = new Histogram({
    name: "selvedge_inference_duration_seconds",
    help: "From the last byte of a request to its results, waiting included; answered requests only.",
    labelNames: ["model", "version"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  readonly swaps: Counter<"model" | "result"> = new Counter({
    name: "selvedge_inference_swaps_total",
    help: "Deployments of a model version, by result: swapped or rejected.",
    labelNames: ["model", "result"],
    registers: [this.registry],
  });

  readonly restarts: Counter = new Counter({
    name: "selvedge_inference_restarts_total",
    help: "Model processes started again after they ended unasked.",
    registers: [this.registry],
  });

  /** Adds the gauges that are read from the deployed models when somebody asks. */
  observe(models: () => readonly ModelVersion[]): void {
    const registers = [this.registry];
    new Gauge({
      name: "selvedge_inference_pending_requests",
      help: "Requests waiting or being run.",
      labelNames: ["model"],
      registers,
      collect() {
        this.reset();
        for (const { model, pending } of models()) this.inc({ model: model.name }, pending);
      },
    });
    new Gauge({
      name: "selvedge_inference_model_ready",
      help: "1 when the processes of all served versions of the model can take a request.",
      labelNames: ["model"],
      registers,
      collect() {
        this.reset();
        const unready = new Set(models().flatMap(({ model, ready }) => (ready ? [] : [model.name])));
        for (const { model } of models()) this.set({ model: model.name }, unready.has(model.name) ? 0 : 1);
      },
    });
    new Gauge({
      name: "selvedge_inference_model_info",
      help: "The versions each model is served at; always 1.",
      labelNames: ["model", "version", "digest"],
      registers,
      collect() {
        this.reset();
        for (const { model } of models()) {
          this.set({ model: model.name, version: model.version, digest: model.digest }, 1);
        }
      },
    });
  }
}
