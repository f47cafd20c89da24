import { isIP } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  type PeerCertificate,
  type TLSSocket,
} from "node:tls";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { channelBinding, limits, SelvedgeError } from "@selvedge/protocol";
import { withSelvedgeErrors } from "./connect-errors.ts";

/** PEM. Only the given roots are trusted, never the system's. */
export interface ClientTls {
  readonly ca: string | readonly string[];
  /** The client's own certificate chain and key; none before it has joined. */
  readonly cert?: string;
  readonly key?: string;
  /**
   * Unix milliseconds: a server whose certificate ran out before is refused,
   * even if the machine's clock is so far behind that TLS does not notice.
   */
  readonly notExpiredAt?: () => number;
}

/** Asked for on each new connection, for those who change certificates while they run. */
export type TlsSource = ClientTls | (() => ClientTls);

export function currentTls(source: TlsSource): ClientTls {
  return typeof source === "function" ? source() : source;
}

export interface GatewayClientOptions {
  /** "https://host:port". */
  readonly url: string;
  readonly tls: ClientTls;
  /** Sent with every call, e.g. an operator's bearer token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How often a silent connection is pinged, milliseconds; default 60 s. */
  readonly pingEveryMs?: number;
  /** How long an answer to a ping may take, milliseconds; default 15 s. */
  readonly pingTimeoutMs?: number;
  /** Bytes of the largest message read; default `limits.responseBytesMax`. */
  readonly readMaxBytes?: number;
}

/** One HTTP/2 connection to a gateway, opened on first use. */
export interface GatewayClient {
  /** For `createClient(Service, transport)`; calls reject with SelvedgeErrors. */
  readonly transport: Transport;
  /** Keying material of the open connection, 32 bytes (RFC 9266). */
  exporter(): Promise<Uint8Array>;
  close(): void;
}

export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const url = new URL(options.url);
  let socket: TLSSocket | undefined;
  const sessionManager = new Http2SessionManager(
    url,
    { pingIntervalMs: options.pingEveryMs ?? 60_000, pingTimeoutMs: options.pingTimeoutMs ?? 15_000 },
    {
      createConnection: () => {
        socket = connect(tlsOptions(url, options.tls, ["h2"]));
        return socket;
      },
    },
  );
  const transport = createGrpcTransport({
    baseUrl: options.url,
    sessionManager: quietSessions(sessionManager),
    interceptors: [withHeaders(options.headers ?? {})],
    readMaxBytes: options.readMaxBytes ?? limits.responseBytesMax,
    acceptCompression: [],
  });
  return {
    transport: withSelvedgeErrors(transport, options.url),
    async exporter() {
      await sessionManager.connect();
      if (socket === undefined || sessionManager.error() !== undefined) {
        throw new SelvedgeError("unavailable", "no connection to the coordinator", { at: options.url });
      }
      return socket.exportKeyingMaterial(channelBinding.bytes, channelBinding.label, Buffer.alloc(0));
    },
    close: () => sessionManager.abort(),
  };
}

type SessionManager = Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead">;

/**
 * A session that fails while it is being closed reports its error after the
 * manager took its listener away, and would end the process. Its streams have
 * told us already.
 */
function quietSessions(manager: SessionManager): SessionManager {
  const seen = new WeakSet<object>();
  return {
    authority: manager.authority,
    notifyResponseByteRead: (stream) => manager.notifyResponseByteRead(stream),
    async request(...call) {
      const stream = await manager.request(...call);
      if (stream.session !== undefined && !seen.has(stream.session)) {
        seen.add(stream.session);
        stream.session.on("error", () => {});
      }
      return stream;
    },
  };
}

/** TLS 1.3 to the host of a URL, trusting only the given roots. */
export function tlsOptions(url: URL, tls: ClientTls, protocols: readonly string[]): ConnectionOptions {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    host,
    port: url.port === "" ? 443 : Number(url.port),
    // A server name is never an address (RFC 6066, 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: [tls.ca].flat(),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    minVersion: "TLSv1.3",
    ALPNProtocols: [...protocols],
    checkServerIdentity: (name, certificate) =>
      checkServerIdentity(name, certificate) ?? checkExpiry(certificate, tls.notExpiredAt?.() ?? 0),
  };
}

/** Of the server and of who issued it; what is above that is a root that was chosen, or leads to one. */
function checkExpiry(certificate: PeerCertificate, notExpiredAt: number): Error | undefined {
  const issuer =
    "issuerCertificate" in certificate ? (certificate.issuerCertificate as PeerCertificate) : undefined;
  const ended = [certificate, issuer].find(
    (one) => one !== undefined && Date.parse(one.valid_to) < notExpiredAt,
  );
  if (ended === undefined) return undefined;
  return Object.assign(new Error(`it ran out on ${ended.valid_to}`), { code: "CERT_HAS_EXPIRED" });
}

function withHeaders(headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
}
