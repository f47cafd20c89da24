import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { listen, type ServerTls, withTls } from "../listen.ts";
import { send } from "./http-reply.ts";
import { answerRequest, type RouteContext } from "./routes.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  /** Connections that may be open; further ones are closed at once. */
  readonly connectionsMax: number;
  /** How long `close` waits for accepted requests to be answered, milliseconds. */
  readonly drainMs: number;
}

export interface HttpServer {
  /** Such as "http://127.0.0.1:8080". */
  readonly url: string;
  /** Takes no more connections, and waits until what was accepted is answered. */
  close(): Promise<void>;
}

/** @throws SelvedgeError as `listen`, and `invalid_argument` when the certificate or key cannot be used */
export async function startHttpServer(
  context: RouteContext,
  { host, port, tls, connectionsMax, drainMs }: HttpServerOptions,
): Promise<HttpServer> {
  let answering = 0;
  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    answering += 1;
    response.on("close", () => {
      answering -= 1;
      // While closing, a connection that has its answer is not kept for another request.
      if (!server.listening) server.closeIdleConnections();
    });
    await respond(context, request, response);
  };
  const server: Server =
    tls === undefined
      ? createServer(onRequest)
      : withTls(() => createSecureServer({ ...tls, minVersion: "TLSv1.3" }, onRequest));
  server.maxConnections = connectionsMax;
  const address = await listen(server, host, port);
  return {
    url: `${tls === undefined ? "http" : "https"}://${address}`,
    close: () => close(server, () => answering, drainMs),
  };
}

async function respond(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const reply = await answerRequest(context, request, gone.signal);
  if (!response.destroyed) send(response, reply);
}

async function close(server: Server, answering: () => number, drainMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection on which nothing is asked does not keep us, nor does one for ever whose answer nobody reads.
  const idle = setTimeout(() => {
    if (answering() === 0) server.closeAllConnections();
  }, idleGraceMs);
  const all = setTimeout(() => server.closeAllConnections(), drainMs);
  await promise;
  clearTimeout(idle);
  clearTimeout(all);
}

const idleGraceMs = 1_000;
