import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { SelvedgeError } from "@selvedge/protocol";
import type { ByteBudget, ByteShare } from "../byte-budget.ts";
import { grpcStatus, statusTrailers } from "./grpc-status.ts";
import { frameMessage, MessageFrames } from "./message-frames.ts";
import type { RpcCall, RpcMethod } from "./rpc-method.ts";

export interface CallContext {
  readonly methods: ReadonlyMap<string, RpcMethod>;
  /** Runs before any of the request is read. @throws SelvedgeError when this caller may not call this path */
  readonly checkAccess: (path: string, authorization: string | undefined) => void;
  /** What requests hold until they are answered. */
  readonly bodies: ByteBudget;
  /** Largest message, bytes. */
  readonly messageBytesMax: number;
}

/** Answers one call ("gRPC over HTTP2"). Never throws: errors are answers too. */
export async function answerCall(
  context: CallContext,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  // What becomes of a stream, "close" tells.
  stream.on("error", () => {});
  if (!isGrpc(headers)) {
    stream.respond({ ":status": constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  const gone = new AbortController();
  const answer = new Answer(stream);
  stream.once("close", () => {
    if (!answer.ended) gone.abort();
  });
  try {
    const method = openMethod(context, headers);
    const timeoutMs = timeoutOf(headers["grpc-timeout"]);
    const call: RpcCall = { signal: gone.signal, timeoutMs, headers: answer.headers };
    using share = context.bodies.share();
    const request = new Request(stream, context.messageBytesMax, share);
    if (method.kind === "unary") {
      answer.end(await method.answer(await request.only(), call));
    } else {
      const answers =
        method.kind === "server_streaming"
          ? method.answer(await request.only(), call)
          : method.answer(request.messages(), call);
      for await (const message of answers) await answer.send(message);
      answer.end();
    }
  } catch (thrown) {
    answer.fail(thrown);
  }
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  const { ":method": method, "content-type": type = "" } = headers;
  return method === "POST" && /^application\/grpc(\+proto)?(;|$)/.test(type);
}

function openMethod({ methods, checkAccess }: CallContext, headers: IncomingHttpHeaders): RpcMethod {
  const path = headers[":path"] ?? "";
  const method = methods.get(path);
  if (method === undefined) throw new SelvedgeError("unsupported", `no method ${path.slice(0, 200)}`);
  checkAccess(path, headers.authorization);
  const encoding = headers["grpc-encoding"] ?? "identity";
  if (encoding === "identity") return method;
  throw new SelvedgeError("unsupported", "messages are compressed", { fix: "send them as they are" });
}

/** @returns milliseconds */
function timeoutOf(value: string | readonly string[] | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ?? [];
  const unitMs = unitsMs[unit];
  if (amount !== undefined && unitMs !== undefined) return Number(amount) * unitMs;
  throw new SelvedgeError("invalid_argument", "grpc-timeout must be digits and a unit, such as 250m");
}

/** What is read of a call. */
class Request {
  readonly #stream: ServerHttp2Stream;
  readonly #frames: MessageFrames;
  readonly #share: ByteShare;

  constructor(stream: ServerHttp2Stream, messageBytesMax: number, share: ByteShare) {
    this.#stream = stream;
    this.#frames = new MessageFrames(messageBytesMax);
    this.#share = share;
  }

  /** The message of a call that has one. */
  async only(): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stream = this.#stream;
    let message: Uint8Array | undefined;
    const onData = (chunk: Uint8Array): void => {
      try {
        // As the bytes come, not as they are declared: who sends none holds none.
        this.#share.take(chunk.length);
        this.#frames.push(chunk);
        if (message === undefined) message = this.#frames.next();
        if (message !== undefined && !this.#frames.empty) throw notOne("more than one message");
      } catch (thrown) {
        stream.off("data", onData);
        reject(thrown);
      }
    };
    const onClose = (): void => reject(callerGone());
    // By events, which take a third of the time of the stream's iterator.
    stream.on("data", onData).once("end", resolve).once("close", onClose);
    await promise;
    // Every stream closes; an error made for it, with its stack, costs as much as reading.
    stream.off("close", onClose);
    if (message !== undefined) return message;
    throw this.#frames.empty ? notOne("no message") : cutOff();
  }

  /** The messages as they come; one is held until the next is asked for. */
  async *messages(): AsyncIterable<Uint8Array> {
    // Left early, the stream still has to carry the status.
    for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
      this.#share.take(chunk.length);
      this.#frames.push(chunk);
      for (let message = this.#frames.next(); message !== undefined; message = this.#frames.next())
        yield message;
      if (this.#frames.empty) this.#share[Symbol.dispose]();
    }
    if (!this.#frames.empty) throw cutOff();
  }
}

/** What is answered to a call. */
class Answer {
  /** Metadata that goes first. */
  readonly headers: Record<string, string> = {};
  readonly #stream: ServerHttp2Stream;
  #ended = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One message of several; waits while the caller does not read. */
  async send(message: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream.closed) throw callerGone();
    if (!stream.headersSent) stream.respond({ ...head, ...this.headers }, { waitForTrailers: true });
    if (stream.write(frameMessage(message))) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.once("drain", resolve).once("close", resolve);
    await promise;
  }

  /** @param message - the last one, or the only one */
  end(message?: Uint8Array): void {
    this.#finish(okTrailers, message);
  }

  fail(thrown: unknown): void {
    this.#finish(statusTrailers(grpcStatus(thrown)));
    // Of what is still to come nothing is wanted.
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #finish(trailers: Record<string, string>, message?: Uint8Array): void {
    this.#ended = true;
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    if (!stream.headersSent && message === undefined) {
      stream.respond({ ...head, ...this.headers, ...trailers }, { endStream: true });
      return;
    }
    if (!stream.headersSent) stream.respond({ ...head, ...this.headers }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    if (message === undefined) stream.end();
    else stream.end(frameMessage(message));
  }
}

function notOne(what: string): SelvedgeError {
  return new SelvedgeError("unsupported", `the call has ${what}, it takes one`);
}

function cutOff(): SelvedgeError {
  return new SelvedgeError("invalid_argument", "the call ends within a message");
}

function callerGone(): SelvedgeError {
  return new SelvedgeError("cancelled", "the caller went away");
}

const head = { ":status": constants.HTTP_STATUS_OK, "content-type": "application/grpc" };
const okTrailers = { "grpc-status": "0" };
const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
