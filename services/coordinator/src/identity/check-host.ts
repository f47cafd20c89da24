import { SelvedgeError } from "@selvedge/protocol";

/**
 * A message that was made for another host is not for us.
 *
 * @param field - where it stands, for the message.
 * @throws SelvedgeError `permission_denied`.
 */
export function checkHost(field: string, host: string, hosts: readonly string[]): void {
  if (hosts.includes(host)) return;
  throw new SelvedgeError("permission_denied", `this coordinator does not answer to "${host.slice(0, 80)}"`, {
    at: field,
    fix: `dial one of: ${hosts.join(", ")}`,
  });
}
