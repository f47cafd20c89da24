import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Access, Permission } from "../access.ts";
import { GRPCInferenceService } from "../gen/inference/grpc_service_pb.js";
import { listen, type ServerTls, withTls } from "../listen.ts";
import { grpcError } from "./grpc-errors.ts";
import { inferenceRpc, type RpcContext } from "./inference-rpc.ts";

export interface GrpcServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly connectionsMax: number;
  /** Largest message, bytes. */
  readonly requestBytesMax: number;
  /** How long `close` waits for accepted calls to be answered, milliseconds. */
  readonly drainMs: number;
}

export interface GrpcServer {
  /** What clients dial, such as "127.0.0.1:8081". */
  readonly address: string;
  /** Takes no more calls, and waits until what was accepted is answered. */
  close(): Promise<void>;
}

/**
 * The protocol over gRPC: HTTP/2 without TLS (h2c), or with.
 *
 * @throws SelvedgeError as `listen`, and `invalid_argument` when the certificate or key cannot be used
 */
export async function startGrpcServer(
  context: RpcContext & { readonly access: Access },
  { host, port, tls, connectionsMax, requestBytesMax, drainMs }: GrpcServerOptions,
): Promise<GrpcServer> {
  const handle = connectNodeAdapter({
    routes: (router) => {
      router.service(GRPCInferenceService, inferenceRpc(context));
    },
    // Runs before any of the request is read.
    requestGate: ({ method, requestHeader }) => {
      try {
        context.access.check(
          permissions[method.name] ?? "caller",
          requestHeader.get("authorization") ?? undefined,
        );
      } catch (thrown) {
        throw grpcError(thrown);
      }
    },
    interceptors: [withGrpcErrors],
    readMaxBytes: requestBytesMax,
    acceptCompression: [],
    grpcWeb: false,
    connect: false,
  });
  const server: Http2Server =
    tls === undefined
      ? createServer(settings, handle)
      : withTls(() => createSecureServer({ ...settings, ...tls, minVersion: "TLSv1.3" }, handle));
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    if (sessions.size >= connectionsMax) {
      session.destroy();
      return;
    }
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const address = await listen(server, host, port);
  return { address, close: () => close(server, sessions, drainMs) };
}

const withGrpcErrors: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (thrown) {
    throw grpcError(thrown);
  }
};

async function close(
  server: Http2Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  drainMs: number,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // Says that no call is taken any more; the open ones go on.
  for (const session of sessions) session.close();
  const timer = setTimeout(() => {
    for (const session of sessions) session.destroy();
  }, drainMs);
  await promise;
  clearTimeout(timer);
}

const settings = {
  maxHeaderListPairs: 64,
  unknownProtocolTimeout: 1_000,
  settings: { maxConcurrentStreams: 128, maxHeaderListSize: 16_384, enablePush: false },
};

/** Of the calls that not every caller may make, and those that everybody may. */
const permissions: Readonly<Record<string, Permission>> = {
  ServerLive: "anyone",
  ServerReady: "anyone",
  RepositoryModelLoad: "admin",
  RepositoryModelUnload: "admin",
};
