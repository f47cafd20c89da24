import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** PEM: what one device connects with. */
export interface DeviceTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** One HTTP/2 connection, over which any number of requests go. */
export class ResumableConnection {
  readonly socket: TLSSocket;
  readonly #session: ClientHttp2Session;
  #ticket: Buffer | undefined;

  /** @param ticket resumes an earlier TLS session instead of showing a certificate. */
  constructor(url: string, { ca, cert, key }: DeviceTls, ticket?: Buffer) {
    const { hostname, port } = new URL(url);
    const identity = ticket === undefined ? { cert, key } : { session: ticket };
    this.socket = connectTls({ host: hostname, port: Number(port), ca, ALPNProtocols: ["h2"], ...identity });
    this.socket.on("session", (bytes) => {
      this.#ticket = bytes;
    });
    this.#session = connect(url, { createConnection: () => this.socket });
    this.#session.on("error", () => {});
  }

  /** To resume this session on another connection; there is one once a request was answered. */
  get ticket(): Buffer {
    if (this.#ticket === undefined) throw new Error("the server gave no session ticket");
    return this.#ticket;
  }

  /** @returns the status of the answer. */
  async get(path: string): Promise<number> {
    const stream = this.#session.request({ ":path": path });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    stream.on("response", (headers) => resolve(Number(headers[":status"])));
    stream.on("error", reject);
    stream.resume();
    return promise;
  }

  /** Begins a request whose body never ends. */
  put(path: string, bytes: Uint8Array): void {
    const stream = this.#session.request({ ":path": path, ":method": "PUT" });
    stream.on("error", () => {});
    stream.write(bytes);
  }

  close(): void {
    this.#session.destroy();
  }
}
