import { request } from "node:https";
import type { CoordinatorAddress } from "../identity/coordinator-address.ts";
import { explainTls } from "./explain-tls.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ConnectionOptions {
  readonly address: CoordinatorAddress;
  /** PEM: the roots the coordinator must be under. */
  readonly trust: string;
  /** PEM: this device's certificate and key, once it has them. */
  readonly identity?: { readonly chain: string; readonly key: string };
  /** This machine's clock, ms since 1970. */
  now(): number;
}

/** Looks at the handshake, at both clocks, and at what the coordinator says about this device: one request. */
export function examineConnection({
  address,
  trust,
  identity,
  now,
}: ConnectionOptions): Promise<readonly Finding[]> {
  const path = identity === undefined ? "/healthz" : membersPath;
  return new Promise((resolve) => {
    const sent = request(`${address.url}${path}`, {
      agent: false,
      ca: trust,
      ...(identity && { cert: identity.chain, key: identity.key }),
      minVersion: "TLSv1.3",
      timeout: stepTimeoutMs,
    });
    sent.once("timeout", () => sent.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    sent.once("error", (error) => resolve([explainTls(error, address, now())]));
    sent.once("response", (response) => {
      const date = Date.parse(response.headers.date ?? "");
      const findings = [
        ok("certificate", "the coordinator's certificate is under the root this device trusts"),
      ];
      findings.push(...clockFindings(date, now()));
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (chunk: string) => {
        if (body.length < bodyLengthMax) body += chunk;
      });
      response.once("end", () => {
        if (identity !== undefined) findings.push(membership(response.statusCode ?? 0, body));
        resolve(findings);
      });
      response.once("error", (error) => resolve([explainTls(error, address, now())]));
    });
    sent.end();
  });
}

function clockFindings(theirs: number, ours: number): Finding[] {
  if (Number.isNaN(theirs)) return [];
  const difference = Math.round((ours - theirs) / 1_000);
  if (Math.abs(difference) <= clockSkewMaxSeconds) {
    return [ok("clock", `this machine's clock and the coordinator's differ by ${Math.abs(difference)} s`)];
  }
  const which = difference > 0 ? "ahead of" : "behind";
  return [
    warning(
      "clock",
      `this machine's clock is ${Math.abs(difference)} s ${which} the coordinator's`,
      "set the clock, for example with systemd-timesyncd or chrony; certificates and releases are judged by it",
    ),
  ];
}

function membership(status: number, body: string): Finding {
  if (status === 200) return ok("membership", "the coordinator knows this device");
  const said = refusalOf(body);
  return failed(
    "membership",
    `the coordinator refuses this device: ${said?.message ?? `status ${status}`}`,
    said?.fix ?? "ask an operator: selvedge device list",
  );
}

function refusalOf(body: string): { readonly message: string; readonly fix?: string } | undefined {
  try {
    const { message, fix } = JSON.parse(body) as { readonly message?: unknown; readonly fix?: unknown };
    if (typeof message !== "string") return undefined;
    return { message, ...(typeof fix === "string" && { fix }) };
  } catch {
    return undefined;
  }
}

/** Only devices and operators may read it, and every fleet has it. */
const membersPath = "/v1/releases/timestamp.json";
const stepTimeoutMs = 5_000;
/** The header counts whole seconds, and the answer takes a moment. */
const clockSkewMaxSeconds = 60;
const bodyLengthMax = 65_536;
