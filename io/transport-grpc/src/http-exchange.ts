import type { IncomingMessage } from "node:http";
import { type Agent, request } from "node:https";
import { pipeline } from "node:stream/promises";
import { SelvedgeError } from "@selvedge/protocol";
import { fromHttpError } from "./http-errors.ts";
import { networkError } from "./network-errors.ts";

export interface HttpExchangeOptions {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** A connection on which nothing moves for longer is cut, milliseconds. */
  readonly stallTimeoutMs: number;
}

export interface HttpCall {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * One request over HTTP/1.1; resolves with the head of the response, whose
 * body the caller must read.
 */
export function httpExchange(options: HttpExchangeOptions, call: HttpCall): Promise<IncomingMessage> {
  const { url, agent, stallTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent,
      method: call.method,
      path: call.path,
      headers: { ...options.headers, ...call.headers },
      timeout: stallTimeoutMs,
    });
    let response: IncomingMessage | undefined;
    // Once there is a response, its reader is who must learn why it ends.
    const stop = (error: SelvedgeError): void => void (response ?? outgoing).destroy(error);
    const abort = (): void => stop(cancelled(url));
    outgoing.once("close", () => call.signal.removeEventListener("abort", abort));
    outgoing.on("timeout", () => stop(stalled(url, stallTimeoutMs)));
    outgoing.once("response", (incoming) => {
      response = incoming;
      resolve(incoming);
    });
    // A server may answer and close before it has read the body: the answer counts.
    outgoing.on("error", (thrown) => reject(exchangeError(thrown, url)));
    if (call.signal.aborted) abort();
    else call.signal.addEventListener("abort", abort, { once: true });
    if (call.body === undefined) outgoing.end();
    else pipeline(call.body, outgoing).catch((thrown: unknown) => reject(exchangeError(thrown, url)));
  });
}

/** Bytes of a response; a broken connection throws `unavailable`. */
export async function* responseBody(response: IncomingMessage, url: URL): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk;
  } catch (thrown) {
    throw exchangeError(thrown, url);
  }
}

/** Reads a refusal to its end, so that its connection can be used again. */
export async function refusal(response: IncomingMessage, url: URL, at: string): Promise<SelvedgeError> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of responseBody(response, url)) {
    bytes += chunk.byteLength;
    if (bytes > refusalBytesMax) break;
    chunks.push(chunk);
  }
  return fromHttpError(
    response.statusCode ?? 0,
    response.headers,
    Buffer.concat(chunks).toString("utf8"),
    at,
  );
}

function exchangeError(thrown: unknown, url: URL): unknown {
  if (thrown instanceof SelvedgeError) return thrown;
  return networkError(thrown, url.origin) ?? thrown;
}

function cancelled(url: URL): SelvedgeError {
  return new SelvedgeError("cancelled", "the transfer was stopped", { at: url.origin });
}

function stalled(url: URL, stallTimeoutMs: number): SelvedgeError {
  return new SelvedgeError("unavailable", `nothing moved for ${stallTimeoutMs / 1_000} s`, {
    at: url.origin,
    fix: "check the network; the transfer goes on from where it stands",
  });
}

const refusalBytesMax = 65_536;
