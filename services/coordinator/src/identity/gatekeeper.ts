import type { Authority } from "./certificate-authority.ts";
import type { DeviceRegistry } from "./device-registry.ts";
import type { OperatorTokens } from "./operator-tokens.ts";
import { type Caller, type Principal, resolvePrincipal } from "./principal.ts";
import { checkRequestOrigin } from "./request-origin.ts";
import { authorise } from "./routes.ts";

export interface GatekeeperOptions {
  readonly authority: Pick<Authority, "trustDomain" | "issuers" | "hosts">;
  readonly devices: Pick<DeviceRegistry, "isRevoked">;
  readonly operatorTokens: Pick<OperatorTokens, "verify">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One call to one route; a gateway's `Call` is one. */
export interface GuardedCall extends Caller {
  readonly route: string;
  readonly headers: Caller["headers"] & {
    readonly host?: string | undefined;
    readonly origin?: string | undefined;
    readonly ":authority"?: string | undefined;
  };
}

/**
 * The one door: who calls, whether they may use this route, and, for an
 * operator, whether a browser was talked into it. To be asked on each request,
 * and again while a stream lasts.
 *
 * @returns a function that throws SelvedgeError `unauthenticated` or `permission_denied`.
 */
export function createGatekeeper(options: GatekeeperOptions): (call: GuardedCall) => Principal {
  const { authority, devices, operatorTokens, now } = options;
  return (call) => {
    const isRevoked = (id: string) => devices.isRevoked(id);
    const principal = resolvePrincipal(call, { nowMs: now(), authority, isRevoked, operatorTokens });
    authorise(call.route, principal);
    if (principal.kind === "operator") {
      const { headers } = call;
      const host = headers[":authority"] ?? headers.host;
      checkRequestOrigin({ host, origin: headers.origin }, authority.hosts);
    }
    return principal;
  };
}
