import { pipeline } from "node:stream/promises";
import type { connectNodeAdapter } from "@connectrpc/connect-node";
import { SelvedgeError } from "@selvedge/protocol";
import { type Call, callOf, pathOf, type ServerRequest } from "./call.ts";
import { httpError } from "./http-errors.ts";
import type { HttpAnswer, HttpRoute } from "./http-route.ts";
import type { Reauthoriser } from "./reauthoriser.ts";

export interface ServeHttpOptions<Principal> {
  readonly routes: readonly HttpRoute<Principal>[];
  readonly reauthoriser: Reauthoriser<Principal>;
  authorise(call: Call, request: ServerRequest): Promise<Principal>;
  onInternalError(thrown: unknown, route: string): void;
}

/** A response of node:http or node:http2, as the RPC adapter types it. */
export type Response = Parameters<ReturnType<typeof connectNodeAdapter>>[1];

/** Serves the plain HTTP routes; what matches none is 404, before anything else. */
export function serveHttp<Principal>(
  options: ServeHttpOptions<Principal>,
): (request: ServerRequest, response: Response) => void {
  return (request, response) => {
    answer(options, request, response).catch((thrown: unknown) => {
      // The head is out, so the only way left to say that the body is not whole.
      response.destroy();
      if (!isGone(thrown)) options.onInternalError(thrown, pathOf(request));
    });
  };
}

async function answer<Principal>(
  options: ServeHttpOptions<Principal>,
  request: ServerRequest,
  response: Response,
): Promise<void> {
  const path = pathOf(request);
  const onPath = options.routes.filter((route) => matches(route.path, path));
  const route = onPath.find(({ methods }) => methods.includes(request.method ?? ""));
  if (route !== undefined) return await serveRoute(options, route, request, response);
  const allowed = onPath.flatMap(({ methods }) => methods);
  if (allowed.length === 0) return await write(request, response, httpError(notFound(path)));
  const refused = httpError(new SelvedgeError("unsupported", `${path} does not take ${request.method}`), {
    allow: allowed.join(", "),
  });
  await write(request, response, { ...refused, status: 405 });
}

async function serveRoute<Principal>(
  options: ServeHttpOptions<Principal>,
  route: HttpRoute<Principal>,
  request: ServerRequest,
  response: Response,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let stopWatching = (): void => {};
  try {
    const call = callOf(route.route, request);
    const since = options.reauthoriser.rechecks;
    const principal = await options.authorise(call, request);
    checkDeclaredLength(request, route);
    const watch = {
      principal,
      check: async () => void (await options.authorise(call, request)),
      onRevoked(error: SelvedgeError) {
        gone.abort(error);
        response.destroy();
      },
    };
    stopWatching = options.reauthoriser.watch(watch, since);
    const handled = await route.handle({
      principal,
      method: call.method,
      path: call.path,
      query: new URLSearchParams((request.url ?? "").split("?").slice(1).join("?")),
      headers: call.headers,
      body: readBody(request, route),
      signal: gone.signal,
    });
    await write(request, response, handled);
  } catch (thrown) {
    if (response.headersSent || response.destroyed) throw thrown;
    const error = route.refuse?.(thrown, request.headers) ?? httpError(thrown);
    if (error.status === 500) options.onInternalError(thrown, route.route);
    await write(request, response, error);
  } finally {
    stopWatching();
  }
}

async function write(request: ServerRequest, response: Response, answer: HttpAnswer): Promise<void> {
  const head: Record<string, string> = { ...answer.headers };
  if (request.httpVersionMajor === 1 && !request.complete) {
    // An unread body stands between this answer and the next request. A small
    // rest is read, so that the answer is not lost to a reset; else we close.
    if (Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY) <= drainBytesMax)
      request.resume();
    else head.connection = "close";
  }
  response.writeHead(answer.status, head);
  const { body } = answer;
  if (body === undefined || request.method === "HEAD") response.end();
  else if (body instanceof Uint8Array) response.end(body);
  else await pipeline(body, response);
}

async function* readBody(
  request: ServerRequest,
  route: Pick<HttpRoute<unknown>, "route" | "bodyBytesMax">,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  try {
    // Left open on an early end: the answer still has to go out on it.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.byteLength;
      if (bytes > route.bodyBytesMax) throw tooLarge(route);
      yield chunk;
    }
  } catch (thrown) {
    if (thrown instanceof SelvedgeError) throw thrown;
    throw new SelvedgeError("unavailable", "the connection broke inside a request body", {
      at: route.route,
      cause: thrown,
    });
  }
}

function checkDeclaredLength(
  request: ServerRequest,
  route: Pick<HttpRoute<unknown>, "route" | "bodyBytesMax">,
): void {
  if (Number(request.headers["content-length"] ?? 0) > route.bodyBytesMax) throw tooLarge(route);
}

function tooLarge({
  route,
  bodyBytesMax,
}: Pick<HttpRoute<unknown>, "route" | "bodyBytesMax">): SelvedgeError {
  return new SelvedgeError("too_large", `a request body may have at most ${bodyBytesMax} bytes here`, {
    at: route,
  });
}

function notFound(path: string): SelvedgeError {
  return new SelvedgeError("not_found", `nothing is served at ${path.slice(0, 200)}`);
}

function matches(routePath: string, path: string): boolean {
  return routePath.endsWith("/") ? path.startsWith(routePath) : path === routePath;
}

const drainBytesMax = 1_048_576;

/** Whether an error only says that the other side left. */
function isGone(thrown: unknown): boolean {
  if (thrown instanceof SelvedgeError) return thrown.code === "unavailable" || thrown.code === "cancelled";
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "EPIPE";
}
