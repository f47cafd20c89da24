import {
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { type Call, callOf, type ServerRequest } from "./call.ts";
import { connectErrors, toConnectError } from "./connect-errors.ts";
import { type Reauthoriser, revocable } from "./reauthoriser.ts";
import { requestKey } from "./rpc-context.ts";
import type { Response } from "./serve-http.ts";

export interface ServeRpcOptions<Principal> {
  services(router: ConnectRouter, principalOf: (context: HandlerContext) => Principal): void;
  readonly reauthoriser: Reauthoriser<Principal>;
  readonly shutdownSignal: AbortSignal;
  authorise(call: Call, request: ServerRequest): Promise<Principal>;
  onInternalError(thrown: unknown, route: string): void;
  /** Takes the requests that are not RPCs. */
  fallback(request: ServerRequest, response: Response): void;
}

export interface ServedRpc {
  /** Names of the registered methods. */
  readonly routes: readonly string[];
  handle(request: ServerRequest, response: Response): void;
}

/** Serves the registered services over gRPC, gRPC-Web and Connect. */
export function serveRpc<Principal>(options: ServeRpcOptions<Principal>): ServedRpc {
  const routes: string[] = [];
  const key = createContextKey<Authorised<Principal> | undefined>(undefined);
  const held = (context: Pick<HandlerContext, "values">): Authorised<Principal> => {
    const authorised = context.values.get(key);
    if (authorised !== undefined) return authorised;
    throw new SelvedgeError("internal", "a call reached its handler without being authorised");
  };
  const handle = connectNodeAdapter({
    routes(router) {
      options.services(router, (context) => held(context).principal);
      routes.push(...router.handlers.map(routeOf));
    },
    contextValues: (request) => createContextValues().set(requestKey, request),
    // The gate runs before any of the body is read.
    requestGate: async (context) => {
      try {
        const route = routeOf(context);
        context.values.set(key, await authorised(options, route, context.values.get(requestKey)));
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    },
    interceptors: [
      connectErrors(options.onInternalError),
      reauthorised(options.reauthoriser, (values) => held({ values })),
    ],
    shutdownSignal: options.shutdownSignal,
    readMaxBytes: limits.requestBytesMax,
    writeMaxBytes: limits.responseBytesMax,
    acceptCompression: [],
    fallback: options.fallback,
  });
  return { routes, handle };
}

interface Authorised<Principal> {
  readonly principal: Principal;
  /** Of the reauthoriser, before the caller was authorised. */
  readonly since: number;
  /** Rejects once the caller may no longer do what it began. */
  recheck(): Promise<void>;
}

async function authorised<Principal>(
  { authorise, reauthoriser }: Pick<ServeRpcOptions<Principal>, "authorise" | "reauthoriser">,
  route: string,
  request: ServerRequest | undefined,
): Promise<Authorised<Principal>> {
  if (request === undefined)
    throw new SelvedgeError("internal", "a call without an HTTP request", { at: route });
  const call = callOf(route, request);
  const since = reauthoriser.rechecks;
  return {
    since,
    principal: await authorise(call, request),
    recheck: async () => void (await authorise(call, request)),
  };
}

/** Ends a stream with the caller's new status as soon as a recheck fails. */
function reauthorised<Principal>(
  reauthoriser: Reauthoriser<Principal>,
  held: (values: HandlerContext["values"]) => Authorised<Principal>,
): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    const { messages, revoke } = revocable(response.message);
    const { principal, recheck, since } = held(request.contextValues);
    const stop = reauthoriser.watch({ principal, check: recheck, onRevoked: revoke }, since);
    return { ...response, message: whenDone(messages, stop) };
  };
}

async function* whenDone<T>(messages: AsyncIterable<T>, done: () => void): AsyncIterable<T> {
  try {
    yield* messages;
  } finally {
    done();
  }
}

function routeOf({ service, method }: Pick<HandlerContext, "service" | "method">): string {
  return `${service.typeName}/${method.name}`;
}
