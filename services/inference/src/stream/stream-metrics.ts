import { Counter, Gauge, type Registry } from "prom-client";

/** How a message ended: with an answer, an error, unread for want of room, or with an answer that nobody took. */
export type MessageEnd = "answered" | "refused" | "dropped" | "unsent";

/** The Prometheus metrics of all streams; each is named by its topic filter. */
export class StreamMetrics {
  readonly messages: Counter<"stream" | "result">;
  readonly pending: Gauge<"stream">;
  readonly connected: Gauge<"stream">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.messages = new Counter({
      name: "selvedge_inference_stream_messages_total",
      help: "Messages by how they ended: answered, refused (an error was answered), dropped for want of room, or unsent (the broker took no answer).",
      labelNames: ["stream", "result"],
      registers,
    });
    this.pending = new Gauge({
      name: "selvedge_inference_stream_pending_messages",
      help: "Messages that are not answered yet.",
      labelNames: ["stream"],
      registers,
    });
    this.connected = new Gauge({
      name: "selvedge_inference_stream_connected",
      help: "1 while the broker has the stream's subscription.",
      labelNames: ["stream"],
      registers,
    });
  }
}
