import type { Principal } from "../identity/principal.ts";
import { networkOf } from "../identity/rate-limiter.ts";

/** How the audit log names who calls, from the address if nobody knows better. */
export function actorOf(principal: Principal, remoteAddress: string): string {
  if (principal.kind === "operator") return `operator:${principal.name}`;
  return "deviceId" in principal ? `device:${principal.deviceId}` : `address:${networkOf(remoteAddress)}`;
}
