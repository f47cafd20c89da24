// A process of its own that asks a server again and again: each client has a connection and sends its next request
// once the answer to the last is there. It writes prepared bytes and reads no more of an answer than how it ended, so
// that on few processors most of the time is the server's. Speaks the lines of `Side`.

import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/** What every request of a measurement is. */
export interface Load {
  readonly protocol: "http" | "grpc";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64; of gRPC the message alone. */
  readonly body: string;
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Answered in all, those of the warm-up among them. */
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
  /** Of the latencies, milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sends one request after the other until told to stop; `answered` hears of each. */
type Client = (load: Load, clock: Clock) => Promise<void>;

async function measure(load: Load): Promise<LoadResult> {
  const clock = new Clock(load);
  const client: Client = load.protocol === "http" ? httpClient : grpcClient;
  await Promise.all(Array.from({ length: load.clients }, () => client(load, clock)));
  return clock.result();
}

/** Counts what was both asked and answered between the warm-up and the end. */
class Clock {
  readonly #from: number;
  readonly #to: number;
  readonly #latencies: number[] = [];
  #answered = 0;
  #failed = 0;

  constructor({ warmUpSeconds, seconds }: Load) {
    this.#from = performance.now() + 1_000 * warmUpSeconds;
    this.#to = this.#from + 1_000 * seconds;
  }

  get over(): boolean {
    return performance.now() >= this.#to;
  }

  answered(since: number, isGood: boolean): void {
    const now = performance.now();
    this.#answered += 1;
    if (!isGood) this.#failed += 1;
    else if (since >= this.#from && now <= this.#to) this.#latencies.push(now - since);
  }

  result(): LoadResult {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    const seconds = (this.#to - this.#from) / 1_000;
    return {
      requests: sorted.length,
      answered: this.#answered,
      failed: this.#failed,
      seconds,
      p50: at(0.5),
      p99: at(0.99),
    };
  }
}

async function httpClient({ host, port, path, headers, body }: Load, clock: Clock): Promise<void> {
  const bytes = Buffer.from(body, "base64");
  const fields = Object.entries({ host: `${host}:${port}`, "content-length": bytes.length, ...headers });
  const head = `POST ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const request = Buffer.concat([Buffer.from(head), bytes]);
  const ended = Promise.withResolvers<void>();
  let since = 0;
  let answer: Buffer = Buffer.alloc(0);
  const ask = (): void => {
    since = performance.now();
    socket.write(request);
  };
  const socket = connect({ host, port, noDelay: true }, ask);
  socket.on("data", (chunk) => {
    answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
    const headEnd = answer.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const text = answer.toString("latin1", 0, headEnd);
    if (!isWhole(text, answer.subarray(headEnd + 4))) return;
    answer = Buffer.alloc(0);
    clock.answered(since, text.startsWith("HTTP/1.1 200 "));
    if (clock.over) socket.end();
    else ask();
  });
  socket.on("error", ended.reject);
  socket.on("close", () => ended.resolve());
  await ended.promise;
}

function isWhole(head: string, body: Buffer): boolean {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head))
    return body.subarray(-5).toString("latin1") === "0\r\n\r\n";
  throw new Error(`an answer without a length: ${head}`);
}

async function grpcClient({ host, port, path, headers, body }: Load, clock: Clock): Promise<void> {
  const message = Buffer.from(body, "base64");
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  const session = connectHttp2(`http://${host}:${port}`);
  const fields = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  };
  const askOnce = async (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const since = performance.now();
    let status: unknown;
    const stream = session.request(fields);
    stream.on("response", (given) => (status ??= given["grpc-status"]));
    stream.on("trailers", (given) => (status ??= given["grpc-status"]));
    stream.on("error", reject);
    stream.on("close", () => {
      clock.answered(since, status === "0");
      resolve();
    });
    stream.resume();
    stream.end(frame);
    await promise;
  };
  while (!clock.over) await askOnce();
  session.close();
}

// Last: what it uses has to be there.
for await (const line of createInterface({ input: process.stdin })) {
  const load = JSON.parse(line) as Load;
  console.log(JSON.stringify(await measure(load)));
}
