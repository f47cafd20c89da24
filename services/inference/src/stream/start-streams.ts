import type { Registry } from "prom-client";
import type { InferenceLog } from "../deployed-model.ts";
import type { InferenceService } from "../inference-service.ts";
import { ModelStream } from "./model-stream.ts";
import { MqttConnection } from "./mqtt-connection.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import type { StreamOptions } from "./stream-options.ts";

export interface StreamsContext {
  readonly service: InferenceService;
  readonly registry: Registry;
  readonly requestBytesMax: number;
  readonly drainMs: number;
  readonly log: InferenceLog;
}

export interface RunningStreams {
  /** Answers what was taken, and leaves the broker. */
  close(): Promise<void>;
}

/** Connects each stream to its broker, whenever that is there. */
export function startStreams(streams: readonly StreamOptions[], context: StreamsContext): RunningStreams {
  const { service, registry, requestBytesMax, drainMs, log } = context;
  const metrics = new StreamMetrics(registry);
  const filters = streams.map((stream) => stream.in);
  const running = streams.map((stream) => {
    const label = { stream: stream.in };
    for (const result of ["answered", "refused", "dropped", "unsent"] as const) {
      metrics.messages.inc({ ...label, result }, 0);
    }
    metrics.connected.set(label, 0);
    const model = new ModelStream({
      service,
      options: stream,
      filters,
      requestBytesMax,
      retryPausesMs,
      metrics,
      log,
      publish: (message) => connection.publish(message),
    });
    const connection = new MqttConnection({
      stream,
      requestBytesMax,
      log,
      reconnect: reconnectPauses,
      onMessage: (message) => model.take(message),
      onSubscribed: (isSubscribed) => metrics.connected.set(label, isSubscribed ? 1 : 0),
    });
    return { model, connection };
  });
  return {
    close: async () => {
      await Promise.all(
        running.map(async ({ model, connection }) => {
          await model.drain(drainMs);
          await connection.close();
        }),
      );
    },
  };
}

const reconnectPauses = { firstMs: 500, maxMs: 30_000 };
/** Long enough for a model's process to come back on a slow machine. */
const retryPausesMs: readonly number[] = [200, 1_000, 4_000, 15_000];
