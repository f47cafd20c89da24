export { type BlobRoutesOptions, blobRoutes } from "./blob-routes.ts";
export { formatContentRange, parseRange } from "./byte-range.ts";
export type { Call, ClientCertificate } from "./call.ts";
export { fromConnectError, toConnectError } from "./connect-errors.ts";
export { type Gateway, type GatewayOptions, startGateway } from "./gateway.ts";
export {
  type ClientTls,
  createGatewayClient,
  type GatewayClient,
  type GatewayClientOptions,
  type TlsSource,
} from "./gateway-client.ts";
export { createGrpcDialer, type GrpcDialerOptions } from "./grpc-dialer.ts";
export { type SessionServiceOptions, sessionService, sessionServiceLimits } from "./grpc-link-listener.ts";
export {
  createHttpBlobChannel,
  type HttpBlobChannel,
  type HttpBlobChannelOptions,
} from "./http-blob-channel.ts";
export { createHttpDocuments, type HttpDocuments } from "./http-documents.ts";
export { httpError } from "./http-errors.ts";
export type { HttpAnswer, HttpRequest, HttpRoute } from "./http-route.ts";
export { certificateOf, exporterOf, remoteAddressOf } from "./rpc-context.ts";
export type { GatewayTls } from "./secure-server.ts";
export type { Traffic } from "./traffic-meter.ts";
