import type { CoordinatorAddress } from "../identity/coordinator-address.ts";
import { type Finding, failed } from "./finding.ts";

/** What a handshake or request that failed means for the person at the device. */
export function explainTls(error: Error, { host, port }: CoordinatorAddress, now: number): Finding {
  const code = "code" in error ? String(error.code) : "unknown";
  const known = explanations.find(({ codes }) => codes.test(code));
  if (known !== undefined)
    return failed(known.check, `${known.says(host)} (${code})`, known.fix(new Date(now)));
  return failed(
    "tls",
    `the secure connection to ${host}:${port} breaks: ${error.message}`,
    "try again; if it lasts, look for a proxy or firewall between",
  );
}

interface Explanation {
  readonly codes: RegExp;
  readonly check: string;
  says(host: string): string;
  fix(now: Date): string;
}

const explanations: readonly Explanation[] = [
  {
    codes: /^CERT_HAS_EXPIRED$/,
    check: "clock",
    says: (host) => `the certificate of ${host} has expired, by this machine's clock`,
    fix: (now) =>
      `check the clock: it says ${now.toISOString()}; if that is right, start the coordinator again`,
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    check: "clock",
    says: (host) => `the certificate of ${host} begins in the future, by this machine's clock`,
    fix: (now) => `set the clock: it says ${now.toISOString()}`,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    check: "certificate",
    says: (host) => `the coordinator's certificate is not made out to ${host}`,
    fix: () => "start the coordinator with --name and that name, or dial it by a name it has",
  },
  {
    codes: /^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|CERT_SIGNATURE_|INVALID_CA|CERT_UNTRUSTED)/,
    check: "pin",
    says: (host) => `what answers as ${host} is not under the root that the join token pinned`,
    fix: () =>
      "check the address; if it is right, the coordinator was made anew (join again) or somebody is in between: tell the operator",
  },
  {
    codes: /^(EPROTO|ERR_SSL_.*)$/,
    check: "tls",
    says: () => "what answers on this port does not speak TLS 1.3",
    fix: () => "check the port; a sign-in page of a guest network, or a proxy, answers like this",
  },
  {
    codes: /^(ECONNRESET|EPIPE)$/,
    check: "tls",
    says: () => "the connection is cut during the handshake",
    fix: () => "look for a firewall or proxy that cuts TLS connections",
  },
  {
    codes: /^ETIMEDOUT$/,
    check: "tls",
    says: () => "the port is open, and then nothing is said",
    fix: () => "check that the port is the coordinator's; it may also be too busy",
  },
];
