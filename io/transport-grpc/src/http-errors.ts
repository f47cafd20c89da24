import { type ErrorCode, isErrorCode, SelvedgeError } from "@selvedge/protocol";
import type { HttpAnswer } from "./http-route.ts";

/** HTTP status of each code (RFC 9110, 15). */
const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 412,
  permission_denied: 403,
  unauthenticated: 401,
  unsupported: 501,
  conflict: 409,
  out_of_range: 416,
  corrupt: 422,
  too_large: 413,
  untrusted: 403,
  unavailable: 503,
  deadline_exceeded: 504,
  resource_exhausted: 429,
  cancelled: 499,
  internal: 500,
};

/** An error as a JSON answer; of a value that is not ours, only that it happened. */
export function httpError(thrown: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  const error = thrown instanceof SelvedgeError ? thrown : new SelvedgeError("internal", "internal error");
  const { code, message, at, fix, retryAfterMs } = error;
  const body = Buffer.from(JSON.stringify({ code, message, at, fix }));
  return {
    status: statuses[code],
    headers: {
      "content-type": "application/json",
      "content-length": String(body.byteLength),
      ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
      ...headers,
    },
    body,
  };
}

/** The error behind an HTTP answer, from its JSON body or else its status. */
export function fromHttpError(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  at: string,
): SelvedgeError {
  const told = parseError(body);
  const seconds = Number(headers["retry-after"]);
  return new SelvedgeError(told.code ?? codeOf(status), told.message ?? `the server answered ${status}`, {
    at: told.at ?? at,
    ...(told.fix === undefined ? {} : { fix: told.fix }),
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}),
  });
}

interface ToldError {
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly at?: string;
  readonly fix?: string;
}

function parseError(body: string): ToldError {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  const fields = new Map(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  const code = fields.get("code");
  if (code === undefined || !isErrorCode(code)) return {};
  const [message, at, fix] = [fields.get("message"), fields.get("at"), fields.get("fix")];
  return {
    code,
    ...(message === undefined ? {} : { message }),
    ...(at === undefined ? {} : { at }),
    ...(fix === undefined ? {} : { fix }),
  };
}

function codeOf(status: number): ErrorCode {
  const match = Object.entries(statuses).find(([, known]) => known === status);
  if (match !== undefined && isErrorCode(match[0])) return match[0];
  return status >= 500 ? "unavailable" : "failed_precondition";
}
