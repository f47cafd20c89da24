import type { CertificateReader } from "./certificate-reader.ts";
import type { StandingState } from "./device-record.ts";
import type { OperatorRole, OperatorTokens, TokenVerdict } from "./operator-tokens.ts";

/** Who makes one call. */
export type Principal =
  | {
      readonly kind: "none";
      /** Why the bearer token that was shown does not count. */
      readonly token?: RefusedToken;
    }
  | { readonly kind: "device"; readonly deviceId: string }
  /** A device in every respect but that its certificate ran out. */
  | { readonly kind: "expired-device"; readonly deviceId: string }
  /** A device that an operator has not approved. */
  | { readonly kind: "pending-device"; readonly deviceId: string }
  /** Our certificate, but no record of the device, expired or not: it joined after the backup we were restored from. */
  | { readonly kind: "unknown-device"; readonly deviceId: string }
  /** A device that was put out of the fleet, expired or not. */
  | {
      readonly kind: "barred-device";
      readonly deviceId: string;
      readonly standing: "revoked" | "quarantined";
    }
  | { readonly kind: "operator"; readonly name: string; readonly role: OperatorRole };

export type RefusedToken = Exclude<TokenVerdict, { readonly operator: unknown }>;

/** What a connection and a request show of their sender; a gateway's `Call` is one. */
export interface Caller {
  /** What the peer proved to have the key of, in the TLS handshake. */
  readonly certificate: ClientCertificate | undefined;
  readonly headers: { readonly authorization?: string | undefined };
}

export interface ClientCertificate {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** What the TLS library thought of it: needed, and never enough. */
  readonly verifiedAtHandshake: boolean;
}

export interface PrincipalRules {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly certificates: CertificateReader;
  standingOf(deviceId: string): StandingState | "unknown";
  readonly operatorTokens: Pick<OperatorTokens, "verify">;
}

/**
 * Decides from scratch on each call, and on a timer for streams: a resumed
 * TLS 1.3 session stays "authorized" after its client certificate expired.
 * A bearer token, right or wrong, outweighs a certificate.
 */
export function resolvePrincipal(caller: Caller, rules: PrincipalRules): Principal {
  const { authorization } = caller.headers;
  if (authorization !== undefined) {
    const verdict = verdictOn(authorization, rules);
    return "operator" in verdict
      ? { kind: "operator", ...verdict.operator }
      : { kind: "none", token: verdict };
  }
  const [leaf] = caller.certificate?.chain ?? [];
  const device = leaf && rules.certificates.read(leaf);
  if (device === undefined) return none;
  const { deviceId, validFromMs, validToMs } = device;
  const standing = rules.standingOf(deviceId);
  if (standing === "unknown") return { kind: "unknown-device", deviceId };
  if (standing === "revoked" || standing === "quarantined")
    return { kind: "barred-device", deviceId, standing };
  if (rules.nowMs > validToMs) return { kind: "expired-device", deviceId };
  if (rules.nowMs < validFromMs || !caller.certificate?.verifiedAtHandshake) return none;
  return { kind: standing === "pending" ? "pending-device" : "device", deviceId };
}

function verdictOn(authorization: string, { operatorTokens }: PrincipalRules): TokenVerdict {
  const [, token] = /^Bearer ([\w.-]{1,256})$/i.exec(authorization) ?? [];
  return token === undefined ? { refused: "unknown" } : operatorTokens.verify(token);
}

const none: Principal = { kind: "none" };
