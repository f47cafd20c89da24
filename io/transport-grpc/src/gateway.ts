import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { Call, ServerRequest } from "./call.ts";
import type { HttpRoute } from "./http-route.ts";
import { Reauthoriser } from "./reauthoriser.ts";
import { type GatewayTls, startSecureServer } from "./secure-server.ts";
import { serveHttp } from "./serve-http.ts";
import { serveRpc } from "./serve-rpc.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { type Traffic, TrafficMeter } from "./traffic-meter.ts";

export interface GatewayOptions<Principal> {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls: GatewayTls;
  /** Registers the RPC services; `principalOf` gives a handler its caller. */
  services(router: ConnectRouter, principalOf: (context: HandlerContext) => Principal): void;
  readonly httpRoutes: readonly HttpRoute<Principal>[];
  /**
   * Decides on each request before its body is read, and again while a stream
   * lasts. Throwing refuses: the SelvedgeError goes to the caller.
   */
  authorise(call: Call): Principal | Promise<Principal>;
  /** Name a principal's traffic is counted under; default "all". */
  kindOf?(principal: Principal): string;
  /** Told of what callers only see as "internal error". */
  onInternalError(thrown: unknown, route: string): void;
  /** How often what lasts is authorised again, milliseconds; default 60 s. */
  readonly recheckEveryMs?: number;
  /** How often connections are pinged, milliseconds; default 30 s. */
  readonly pingEveryMs?: number;
  /** How long `close` lets streams end by themselves, milliseconds; default 1 s. */
  readonly closeGraceMs?: number;
  /** Open TCP connections; default 20,000. */
  readonly connectionsMax?: number;
}

export interface Gateway<Principal = unknown> {
  readonly port: number;
  /** Names of every route there is, for the table of who may call what. */
  readonly routes: readonly string[];
  /** Authorises everything that lasts again now, or all of some callers, e.g. after a revocation. */
  recheck(isMeant?: (principal: Principal) => boolean): Promise<void>;
  /** Bytes on the wire since the start, by kind of principal. */
  traffic(): ReadonlyMap<string, Traffic>;
  /** New connections use this certificate; open ones go on. */
  setTls(tls: GatewayTls): void;
  /** Tells every peer, waits shortly, then cuts what is left. */
  close(): Promise<void>;
}

/**
 * One TLS 1.3 port for RPC (gRPC, gRPC-Web, Connect) and plain HTTP, over
 * HTTP/2 and HTTP/1.1. Every route is behind `authorise`; what is no route is
 * refused (404).
 *
 * @throws SelvedgeError `unavailable` when the port is taken,
 *   `permission_denied` when it may not be opened.
 */
export async function startGateway<Principal>(
  options: GatewayOptions<Principal>,
): Promise<Gateway<Principal>> {
  const { host, port, tls, services, httpRoutes, onInternalError } = options;
  const {
    connectionsMax = 20_000,
    pingEveryMs = 30_000,
    recheckEveryMs = 60_000,
    closeGraceMs = 1_000,
  } = options;
  const secure = await startSecureServer({ host, port, tls, connectionsMax });
  const keeper = new SessionKeeper(pingEveryMs);
  const reauthoriser = new Reauthoriser<Principal>(recheckEveryMs);
  const meter = new TrafficMeter();
  const shutdown = new AbortController();
  const authorise = async (call: Call, request: ServerRequest): Promise<Principal> => {
    const principal = await options.authorise(call);
    meter.attribute(request.socket, options.kindOf?.(principal) ?? "all");
    return principal;
  };
  const shared = { authorise, reauthoriser, onInternalError };
  const fallback = serveHttp({ ...shared, routes: httpRoutes });
  const rpc = serveRpc({ ...shared, services, fallback, shutdownSignal: shutdown.signal });
  secure.server.on("session", (session) => keeper.add(session));
  secure.server.on("secureConnection", (socket) => meter.add(socket));
  secure.server.on("request", rpc.handle);
  return {
    port: secure.port,
    routes: [...rpc.routes, ...httpRoutes.map(({ route }) => route)],
    recheck: (isMeant) => reauthoriser.recheck(isMeant),
    traffic: () => meter.totals(),
    setTls: (renewed) => secure.setTls(renewed),
    async close() {
      reauthoriser.stop();
      shutdown.abort(new ConnectError("the coordinator is shutting down", Code.Unavailable));
      keeper.closeAll();
      await secure.close(closeGraceMs);
    },
  };
}
