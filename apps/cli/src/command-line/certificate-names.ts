import { isIPv6 } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

export interface Naming {
  /** Address that the coordinator binds to. */
  readonly host: string;
  /** Names the operator chose. */
  readonly names: readonly string[];
  readonly hostname: string;
  readonly interfaces: readonly Pick<NetworkInterfaceInfo, "address" | "internal">[];
}

/**
 * Names and addresses for the coordinator's certificate; the first one stands
 * in its URL. Without a choice that is an address of this machine rather than
 * its name: other machines reach it without DNS.
 */
export function certificateNames({ host, names, hostname, interfaces }: Naming): string[] {
  const isAny = host === "0.0.0.0" || host === "::";
  const reachable = interfaces
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => address)
    .filter((address) => host === "::" || !isIPv6(address));
  const bound = isAny ? [...reachable, hostname] : [host];
  return [...new Set([...names, ...bound, "localhost", "127.0.0.1"])];
}
