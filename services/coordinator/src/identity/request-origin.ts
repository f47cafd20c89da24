import { SelvedgeError } from "@selvedge/protocol";

/**
 * Keeps other sites' pages, and names that only pretend to be ours (DNS
 * rebinding), from an operator's browser. For each call with operator rights.
 *
 * @param request - `host`: the Host or `:authority` header; `origin`: the Origin header.
 * @param hosts - names and addresses the coordinator answers to, lower case, without a port.
 * @throws SelvedgeError `permission_denied`.
 */
export function checkRequestOrigin(
  request: { readonly host: string | undefined; readonly origin: string | undefined },
  hosts: readonly string[],
): void {
  const own = parseUrl(`https://${request.host ?? ""}`);
  if (own === undefined || !hosts.includes(hostNameOf(own))) {
    throw new SelvedgeError("permission_denied", `this coordinator is not "${shorten(request.host)}"`, {
      at: "Host header",
      fix: `use one of: ${hosts.join(", ")}`,
    });
  }
  if (request.origin === undefined) return;
  const origin = parseUrl(request.origin);
  if (origin?.protocol !== "https:" || origin.host !== own.host) {
    throw new SelvedgeError("permission_denied", `pages of "${shorten(request.origin)}" may not call this`, {
      at: "Origin header",
      fix: "open the coordinator's own address",
    });
  }
}

function parseUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url === null || url.pathname !== "/" || url.username !== "" ? undefined : url;
}

/** IPv6 addresses stand in brackets in a URL only. */
function hostNameOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function shorten(text: string | undefined): string {
  return text?.slice(0, 80) ?? "";
}
