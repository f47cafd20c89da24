import { Agent } from "node:https";
import { type ClientTls, currentTls, type TlsSource, tlsOptions } from "./gateway-client.ts";

/** Kept connections over HTTP/1.1, made with the certificate of the moment. */
export interface HttpsAgents {
  current(): Agent;
  /** Drops all connections; new ones can still be made. */
  close(): void;
}

/** When the certificate or the trusted roots change, what is under way ends on the old connections. */
export function createHttpsAgents(url: URL, source: TlsSource): HttpsAgents {
  let inUse: { readonly agent: Agent; readonly tls: ClientTls } | undefined;
  const retired = new Set<Agent>();
  return {
    current() {
      const tls = currentTls(source);
      if (inUse !== undefined && isSame(inUse.tls, tls)) return inUse.agent;
      if (inUse !== undefined) retire(inUse.agent, retired);
      const agent = new Agent({ ...tlsOptions(url, tls, ["http/1.1"]), keepAlive: true });
      inUse = { agent, tls };
      return agent;
    },
    close() {
      for (const agent of retired) agent.destroy();
      retired.clear();
      inUse?.agent.destroy();
    },
  };
}

function isSame(left: ClientTls, right: ClientTls): boolean {
  return left.cert === right.cert && left.key === right.key && String(left.ca) === String(right.ca);
}

/** Idle connections close at once, busy ones when they are done. */
function retire(agent: Agent, retired: Set<Agent>): void {
  for (const old of retired) if (Object.keys(old.sockets).length === 0) retired.delete(old);
  retired.add(agent);
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
  agent.on("free", (socket) => socket.destroy());
}
