import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import type { CoordinatorAddress } from "../identity/coordinator-address.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** Looks at the way to the coordinator: name, network, port; up to the first that fails. */
export async function* examineRoute(
  { host, port }: CoordinatorAddress,
  env: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<Finding> {
  yield* proxyFindings(env, host);
  if (isIP(host) === 0) {
    const finding = await examineName(host);
    yield finding;
    if (finding.status === "failed") return;
  }
  yield await examinePort(host, port);
}

function proxyFindings(env: Readonly<Record<string, string | undefined>>, host: string): Finding[] {
  const name = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].find(
    (one) => (env[one] ?? "") !== "",
  );
  if (name === undefined) return [];
  return [
    warning(
      "proxy",
      `${name} is set, and Selvedge does not use proxies`,
      `let this machine reach ${host} directly; a proxy that opens TLS would be refused in any case`,
    ),
  ];
}

async function examineName(host: string): Promise<Finding> {
  try {
    const found = await lookup(host, { all: true });
    return ok("name", `${host} is ${found.map((one) => one.address).join(", ")}`);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "EAI_AGAIN") {
      return failed(
        "name",
        `no name server answers for ${host} (${code})`,
        "check the network, and the name servers in /etc/resolv.conf",
      );
    }
    return failed(
      "name",
      `${host} has no address (${code})`,
      "check the spelling, or use the coordinator's address instead of its name",
    );
  }
}

function examinePort(host: string, port: number): Promise<Finding> {
  const where = `${host}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: stepTimeoutMs });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.once("connect", () => end(ok("port", `${where} accepts connections`)));
    socket.once("timeout", () =>
      end(
        failed(
          "port",
          `${where} does not answer within ${stepTimeoutMs / 1_000} s`,
          "look for a firewall between, and check the address",
        ),
      ),
    );
    socket.once("error", (error) => {
      const code = codeOf(error);
      end(
        failed(
          "port",
          `${where} cannot be reached (${code})`,
          portFixes[code] ?? "check the network and the address",
        ),
      );
    });
  });
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
}

const portFixes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "check that the coordinator runs and that this is its port",
  EHOSTUNREACH: "check the network: there is no way to that host",
  ENETUNREACH: "check the network: this machine has no route there",
  ETIMEDOUT: "look for a firewall between, and check the address",
};

const stepTimeoutMs = 5_000;
