import { SelvedgeError } from "@selvedge/protocol";

/**
 * What a failure of Node's sockets or TLS means, found anywhere in the chain
 * of causes; undefined when it is something else.
 */
export function networkError(thrown: unknown, at: string): SelvedgeError | undefined {
  for (const { code, message } of nodeErrors(thrown)) {
    if (untrustedCodes.test(code)) return untrusted(message, code, at, thrown);
    const fix = unavailableFixes[code];
    if (fix !== undefined)
      return new SelvedgeError("unavailable", `${message} (${code})`, { at, fix, cause: thrown });
    if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
      return new SelvedgeError("unavailable", `TLS failed: ${message}`, {
        at,
        fix: "check that the other side speaks TLS 1.3 on this port",
        cause: thrown,
      });
    }
  }
  return undefined;
}

function untrusted(message: string, code: string, at: string, cause: unknown): SelvedgeError {
  return new SelvedgeError("untrusted", `the server's certificate was refused: ${message} (${code})`, {
    at,
    fix: `check that this is the right host, that its certificate names it, and the clock: it says ${new Date().toISOString()}`,
    cause,
  });
}

/** Codes of certificate verification, as OpenSSL and Node name them. */
const untrustedCodes: RegExp =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CRL_|ERR_TLS_CERT_|ERROR_IN_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/;

const unavailableFixes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "check that the coordinator runs and listens on this port",
  ECONNRESET: "try again; if it lasts, look for a proxy or firewall between",
  EPIPE: "try again; if it lasts, look for a proxy or firewall between",
  ETIMEDOUT: "check the network and the address",
  EHOSTUNREACH: "check the network and the address",
  ENETUNREACH: "check the network and the address",
  ENETDOWN: "check the network",
  ENOTFOUND: "check the host name and this machine's DNS",
  EAI_AGAIN: "check this machine's DNS",
  ERR_STREAM_PREMATURE_CLOSE: "try again",
  ERR_HTTP2_STREAM_CANCEL: "try again",
  ERR_HTTP2_SESSION_ERROR: "try again",
};

function* nodeErrors(thrown: unknown): Generator<{ code: string; message: string }> {
  let error = thrown;
  for (let depth = 0; depth < depthMax && error instanceof Error; depth += 1) {
    if ("code" in error && typeof error.code === "string") yield { code: error.code, message: error.message };
    if (error instanceof AggregateError) for (const inner of error.errors) yield* nodeErrors(inner);
    error = error.cause;
  }
}

const depthMax = 8;
