import { SelvedgeError } from "@selvedge/protocol";

/** Where a coordinator is, in the forms TLS, HTTP and the enrolment MAC want it. */
export interface CoordinatorAddress {
  /** `https://host:port`, without a final slash. */
  readonly url: string;
  /** Lower case, no port, no brackets. */
  readonly host: string;
  readonly port: number;
}

/** @throws SelvedgeError `invalid_argument` unless it is `https://host[:port]` and nothing else. */
export function parseCoordinatorUrl(text: string): CoordinatorAddress {
  const url = URL.parse(text);
  const isPlain = url !== null && url.origin === url.href.replace(/\/$/, "");
  if (url?.protocol !== "https:" || !isPlain) {
    throw new SelvedgeError("invalid_argument", `not a coordinator's address: "${text.slice(0, 200)}"`, {
      at: "coordinator URL",
      fix: "give it as https://host:port, as selvedge up printed it",
    });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { url: url.origin, host, port: url.port === "" ? 443 : Number(url.port) };
}
