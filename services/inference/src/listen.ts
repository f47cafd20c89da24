import type { AddressInfo, Server } from "node:net";
import { SelvedgeError } from "@selvedge/protocol";

/** PEM. */
export interface ServerTls {
  /** Certificate chain, leaf first. */
  readonly cert: string;
  readonly key: string;
}

/**
 * @returns the address it listens on, as it stands in a URL: `127.0.0.1:8080`, `[::1]:8080`
 * @throws SelvedgeError `unavailable` when the port is in use or the address cannot be listened on
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (thrown) {
    const inUse = thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
    throw new SelvedgeError(
      "unavailable",
      inUse ? `port ${port} is already in use` : `cannot serve there: ${SelvedgeError.from(thrown).message}`,
      { at: `${host}:${port}`, fix: inUse ? portFix : addressFix, cause: thrown },
    );
  }
  const { address, family, port: chosen } = server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
}

/** @throws SelvedgeError `invalid_argument` when `create` cannot use the certificate or key */
export function withTls<T>(create: () => T): T {
  try {
    return create();
  } catch (cause) {
    throw new SelvedgeError("invalid_argument", "the TLS certificate or key cannot be used", {
      fix: "give a PEM certificate chain, leaf first, and its PEM private key",
      cause,
    });
  }
}

const where = "--port and --host of `selvedge serve`, inference in a device's agent.yaml";
const portFix = `stop what listens there, or choose another port, 0 for any (${where})`;
const addressFix = `choose an address of this machine (${where})`;
