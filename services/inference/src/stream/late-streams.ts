import type { RunningStreams, StreamsContext } from "./start-streams.ts";
import type { StreamOptions } from "./stream-options.ts";

/** Streams that begin when there is a model to answer, and take no memory for an MQTT client where there are none. */
export class LateStreams {
  readonly #streams: readonly StreamOptions[];
  readonly #context: StreamsContext;
  #running: Promise<RunningStreams> | undefined;

  constructor(streams: readonly StreamOptions[], context: StreamsContext) {
    this.#streams = streams;
    this.#context = context;
  }

  /** Idempotent. */
  async start(): Promise<void> {
    if (this.#streams.length === 0) return;
    this.#running ??= import("./start-streams.ts").then(({ startStreams }) =>
      startStreams(this.#streams, this.#context),
    );
    await this.#running;
  }

  async close(): Promise<void> {
    await (await this.#running)?.close();
  }
}
