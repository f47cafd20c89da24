import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { TLSSocket } from "node:tls";
import { channelBinding, SelvedgeError } from "@selvedge/protocol";

/** What is known about a request before its body is read. */
export interface Call {
  /** "selvedge.v1.SessionService/Connect", or the name of an HTTP route. */
  readonly route: string;
  readonly method: string;
  /** Path as it came, without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
  /** The client certificate; undefined when none was presented. */
  readonly certificate: ClientCertificate | undefined;
  /**
   * Keying material of this TLS connection, 32 bytes (RFC 9266).
   * @throws SelvedgeError `unavailable` when the connection is gone.
   */
  exporter(): Uint8Array;
}

export interface ClientCertificate {
  /** DER, leaf first; on a resumed connection the leaf may stand alone. */
  readonly chain: readonly Uint8Array[];
  /**
   * Whether TLS found the chain valid when the connection was made. A resumed
   * connection stays so after expiry: check dates and denylist yourself.
   */
  readonly verifiedAtHandshake: boolean;
  /** Why not, e.g. "CERT_HAS_EXPIRED". */
  readonly problem: string | undefined;
}

export type ServerRequest = IncomingMessage | Http2ServerRequest;

export function callOf(route: string, request: ServerRequest): Call {
  const socket = tlsSocketOf(request);
  return {
    route,
    method: request.method ?? "",
    path: pathOf(request),
    headers: request.headers,
    remoteAddress: socket.remoteAddress ?? "",
    certificate: certificateOf(socket),
    exporter() {
      try {
        return socket.exportKeyingMaterial(channelBinding.bytes, channelBinding.label, Buffer.alloc(0));
      } catch (cause) {
        throw new SelvedgeError("unavailable", "the connection is gone", { at: route, cause });
      }
    },
  };
}

export function pathOf(request: ServerRequest): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function tlsSocketOf(request: ServerRequest): TLSSocket {
  // Over HTTP/2 this is a proxy that passes `instanceof` and reads.
  if (request.socket instanceof TLSSocket) return request.socket;
  throw new SelvedgeError("internal", "a request came over a connection without TLS");
}

function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < chainLengthMax) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  if (chain.length === 0) return undefined;
  const problem = socket.authorized ? undefined : String(socket.authorizationError);
  return { chain, verifiedAtHandshake: socket.authorized, problem };
}

const chainLengthMax = 8;
