import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Access, Permission } from "../access.ts";
import type { ByteBudget } from "../byte-budget.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { GRPCInferenceService } from "../gen/inference/grpc_service_pb.js";
import type { InferenceService } from "../inference-service.ts";
import { listen, type ServerTls, withTls } from "../listen.ts";
import { answerCall, type CallContext } from "./grpc-call.ts";
import { healthRpc } from "./health-rpc.ts";
import { inferenceRpc } from "./inference-rpc.ts";
import { reflectionRpc } from "./reflection-rpc.ts";
import { type RpcMethod, rpcMethods } from "./rpc-method.ts";

export interface GrpcContext {
  readonly service: InferenceService;
  readonly access: Access;
  /** What requests hold until they are answered. */
  readonly bodies: ByteBudget;
}

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
  { service, access, bodies }: GrpcContext,
  { host, port, tls, connectionsMax, requestBytesMax, drainMs }: GrpcServerOptions,
): Promise<GrpcServer> {
  const closing = new AbortController();
  const context: CallContext = {
    methods: allMethods(service, closing.signal),
    checkAccess: (path, authorization) => access.check(permissionFor(path), authorization),
    bodies,
    messageBytesMax: requestBytesMax,
  };
  const server: Http2Server =
    tls === undefined
      ? createServer(settings)
      : withTls(() => createSecureServer({ ...settings, ...tls, minVersion: "TLSv1.3" }));
  server.on("stream", (stream, headers) => void answerCall(context, stream, headers));
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
  return {
    address,
    close: async () => {
      closing.abort();
      await close(server, sessions, drainMs);
    },
  };
}

function allMethods(service: InferenceService, closing: AbortSignal): ReadonlyMap<string, RpcMethod> {
  const services = [GRPCInferenceService, Health, ServerReflection, ServerReflectionAlpha];
  const reflection = rpcMethods(ServerReflection, reflectionRpc(services));
  return new Map([
    ...rpcMethods(GRPCInferenceService, inferenceRpc(service)),
    ...rpcMethods(Health, healthRpc(service, closing)),
    ...reflection,
    // The same messages by an older name: some clients know no other.
    ...[...reflection].map(([path, method]): [string, RpcMethod] => [
      path.replace(ServerReflection.typeName, ServerReflectionAlpha.typeName),
      method,
    ]),
  ]);
}

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

function permissionFor(path: string): Permission {
  return path.startsWith(`/${Health.typeName}/`) ? "anyone" : (permissions[path] ?? "caller");
}

/** Of the calls that not every caller may make, and those that everybody may. */
const permissions: Readonly<Record<string, Permission>> = {
  "/inference.GRPCInferenceService/ServerLive": "anyone",
  "/inference.GRPCInferenceService/ServerReady": "anyone",
  "/inference.GRPCInferenceService/RepositoryModelLoad": "admin",
  "/inference.GRPCInferenceService/RepositoryModelUnload": "admin",
};
