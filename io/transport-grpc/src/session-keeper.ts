import { constants, type ServerHttp2Session } from "node:http2";

interface Kept {
  awaitingPing: boolean;
  streams: number;
  /** Ticks without a stream. */
  idleTicks: number;
}

/**
 * Finds dead and idle HTTP/2 connections: a device that lost power never says
 * goodbye, so each tick pings and closes what did not answer the last ping.
 */
export class SessionKeeper {
  readonly #sessions = new Map<ServerHttp2Session, Kept>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number) {
    this.#timer = setInterval(() => this.tick(), everyMs);
    this.#timer.unref();
  }

  add(session: ServerHttp2Session): void {
    const kept: Kept = { awaitingPing: false, streams: 0, idleTicks: 0 };
    this.#sessions.set(session, kept);
    session.on("close", () => this.#sessions.delete(session));
    session.on("stream", (stream) => {
      kept.streams += 1;
      kept.idleTicks = 0;
      stream.once("close", () => {
        kept.streams -= 1;
      });
    });
  }

  tick(): void {
    for (const [session, kept] of this.#sessions) {
      if (kept.awaitingPing) session.destroy(undefined, constants.NGHTTP2_CANCEL);
      else if (kept.streams === 0 && ++kept.idleTicks > idleTicksMax) session.close();
      else this.#ping(session, kept);
    }
  }

  /** Tells every peer to open no more streams, and closes as they finish. */
  closeAll(): void {
    clearInterval(this.#timer);
    for (const session of this.#sessions.keys()) session.close();
  }

  #ping(session: ServerHttp2Session, kept: Kept): void {
    kept.awaitingPing = true;
    const sent =
      !session.destroyed &&
      session.ping(() => {
        kept.awaitingPing = false;
      });
    if (!sent) kept.awaitingPing = false;
  }
}

const idleTicksMax = 4;
