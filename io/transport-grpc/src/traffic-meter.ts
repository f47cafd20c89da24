import type { TLSSocket } from "node:tls";

export interface Traffic {
  /** Bytes on the wire, TLS included. */
  readonly received: number;
  readonly sent: number;
}

interface Connection {
  readonly socket: TLSSocket;
  kind: string;
}

/**
 * Bytes per kind of principal. A connection counts for the first principal it
 * was used by; before that for "none".
 */
export class TrafficMeter {
  readonly #open = new Map<string, Connection>();
  readonly #closed = new Map<string, Traffic>();

  add(socket: TLSSocket): void {
    const key = keyOf(socket);
    const connection: Connection = { socket, kind: "none" };
    this.#open.set(key, connection);
    socket.once("close", () => {
      this.#open.delete(key);
      addTo(this.#closed, connection);
    });
  }

  /** @param socket the connection, or HTTP/2's stand-in for it. */
  attribute(socket: Pick<TLSSocket, "remoteAddress" | "remotePort">, kind: string): void {
    const connection = this.#open.get(keyOf(socket));
    if (connection !== undefined && connection.kind === "none") connection.kind = kind;
  }

  /** Totals since the start, by kind. */
  totals(): ReadonlyMap<string, Traffic> {
    const totals = new Map(this.#closed);
    for (const connection of this.#open.values()) addTo(totals, connection);
    return totals;
  }
}

function addTo(totals: Map<string, Traffic>, { kind, socket }: Connection): void {
  const before = totals.get(kind) ?? { received: 0, sent: 0 };
  totals.set(kind, {
    received: before.received + socket.bytesRead,
    sent: before.sent + socket.bytesWritten,
  });
}

/** Unique among the open connections of one listening port. */
function keyOf(socket: Pick<TLSSocket, "remoteAddress" | "remotePort">): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
