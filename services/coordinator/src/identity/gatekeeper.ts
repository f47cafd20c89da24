import { type AuditEntry, SelvedgeError } from "@selvedge/protocol";
import { actorOf } from "../audit/actor-of.ts";
import type { CallLimits } from "./call-limits.ts";
import type { Authority } from "./certificate-authority.ts";
import { createCertificateReader } from "./certificate-reader.ts";
import type { DeviceRegistry } from "./device-registry.ts";
import type { OperatorTokens } from "./operator-tokens.ts";
import { type Caller, type Principal, resolvePrincipal } from "./principal.ts";
import { registryCaller } from "./registry-caller.ts";
import type { RegistryTokens } from "./registry-tokens.ts";
import { checkRequestOrigin } from "./request-origin.ts";
import { authorise } from "./routes.ts";

export interface GatekeeperOptions {
  readonly authority: Pick<Authority, "trustDomain" | "issuers" | "hosts">;
  readonly devices: Pick<DeviceRegistry, "standingOf">;
  readonly operatorTokens: Pick<OperatorTokens, "verify">;
  readonly limits: CallLimits;
  /** Absent where there is no registry. */
  readonly registryTokens?: Pick<RegistryTokens, "open">;
  /** Told of refusals that say something about somebody: a wrong token, a step too far. */
  onRefusal(entry: AuditEntry): void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One call to one route; a gateway's `Call` is one. */
export interface GuardedCall extends Caller {
  readonly route: string;
  readonly remoteAddress: string;
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
 * @returns a function that throws SelvedgeError `unauthenticated`,
 *   `permission_denied` or `resource_exhausted`.
 */
export function createGatekeeper(options: GatekeeperOptions): (call: GuardedCall) => Principal {
  const { authority, devices, operatorTokens, limits, onRefusal, now, registryTokens } = options;
  const certificates = createCertificateReader(authority);
  return (call) => {
    limits.admit(call.route, call.remoteAddress);
    const standingOf = (id: string) => devices.standingOf(id);
    const caller = call.route.startsWith(registryRoutes) ? registryCaller(call, registryTokens) : call;
    const principal = resolvePrincipal(caller, { nowMs: now(), certificates, standingOf, operatorTokens });
    try {
      authorise(call.route, principal);
      if (principal.kind === "operator") checkOrigin(call, authority.hosts);
      return principal;
    } catch (thrown) {
      const entry = refusalOf(call, principal, SelvedgeError.from(thrown));
      if (entry !== undefined) onRefusal(entry);
      if (wrongTokenOf(principal)) limits.countWrongToken(call.route, call.remoteAddress);
      throw thrown;
    }
  };
}

function checkOrigin({ headers }: GuardedCall, hosts: readonly string[]): void {
  checkRequestOrigin({ host: headers[":authority"] ?? headers.host, origin: headers.origin }, hosts);
}

function wrongTokenOf(principal: Principal): boolean {
  return principal.kind === "none" && principal.token !== undefined;
}

/**
 * Nothing for strangers without any sign of who they are, for the internet
 * knocks all day, and nothing for devices that were away too long.
 */
function refusalOf(call: GuardedCall, principal: Principal, error: SelvedgeError): AuditEntry | undefined {
  const isLogin = wrongTokenOf(principal);
  if (principal.kind === "expired-device" || (principal.kind === "none" && !isLogin)) return undefined;
  const { route, remoteAddress } = call;
  return {
    actor: actorOf(principal, remoteAddress),
    action: isLogin ? "refused-login" : `refused-${principal.kind === "operator" ? "operator" : "device"}`,
    subject: route,
    detail: { code: error.code, reason: error.message, address: remoteAddress },
  };
}

const registryRoutes = "registry.";
