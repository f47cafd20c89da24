import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { SelvedgeError } from "@selvedge/protocol";

/** PEM. */
export interface GatewayTls {
  /** Certificate chain, leaf first. */
  readonly cert: string;
  readonly key: string;
  /** Roots of client certificates. A client without a valid one still connects: `authorise` decides. */
  readonly clientCa: string | readonly string[];
}

/** A TLS 1.3 server for HTTP/2 and HTTP/1.1, and what it takes to close it promptly. */
export interface SecureServer {
  readonly server: Http2SecureServer;
  readonly port: number;
  setTls(tls: GatewayTls): void;
  /** Takes no more connections, and after `graceMs` cuts those that remain. */
  close(graceMs: number): Promise<void>;
}

export interface SecureServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: GatewayTls;
  /** Open TCP connections. */
  readonly connectionsMax: number;
}

/**
 * @throws SelvedgeError `unavailable` when the port is taken,
 *   `permission_denied` when it may not be opened, `invalid_argument` when the
 *   certificate or key cannot be used.
 */
export async function startSecureServer(options: SecureServerOptions): Promise<SecureServer> {
  const server = createServer(options.tls);
  server.maxConnections = options.connectionsMax;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await listen(server, options);
  return {
    server,
    port: portOf(server),
    setTls: (tls) => server.setSecureContext(secureContext(tls)),
    close: (graceMs) => close(server, sockets, graceMs),
  };
}

function createServer(tls: GatewayTls): Http2SecureServer {
  try {
    return createSecureServer({
      ...secureContext(tls),
      allowHTTP1: true,
      requestCert: true,
      // The handshake must succeed without a certificate: who joins has none yet.
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
      unknownProtocolTimeout: 1_000,
      http1Options: { keepAliveTimeout: 30_000 },
      maxHeaderListPairs: 64,
      settings: { maxConcurrentStreams: 32, maxHeaderListSize: 16_384, enablePush: false },
    });
  } catch (cause) {
    throw new SelvedgeError("invalid_argument", "the TLS certificate or key cannot be used", {
      fix: "give a PEM certificate chain, leaf first, and its PEM private key",
      cause,
    });
  }
}

function secureContext({ cert, key, clientCa }: GatewayTls): SecureContextOptions {
  return { cert, key, ca: [clientCa].flat(), minVersion: "TLSv1.3" };
}

function listen(server: Http2SecureServer, { host, port }: SecureServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): SelvedgeError {
  const at = `${host}:${port}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return new SelvedgeError("unavailable", `port ${port} is already in use`, {
        at,
        fix: `stop what listens there, or choose another port (see it with: ss -ltnp 'sport = :${port}')`,
        cause,
      });
    case "EACCES":
      return new SelvedgeError("permission_denied", `this user may not open port ${port}`, {
        at,
        fix: "choose a port of 1024 or above, or grant CAP_NET_BIND_SERVICE",
        cause,
      });
    default:
      return new SelvedgeError("unavailable", `cannot listen: ${cause.message}`, {
        at,
        fix: "check that the host is an address of this machine",
        cause,
      });
  }
}

function portOf(server: Http2SecureServer): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new SelvedgeError("internal", "the server has no port");
  return address.port;
}

async function close(
  server: Http2SecureServer,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
