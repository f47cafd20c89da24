import type { ServerResponse } from "node:http";
import type { ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** What a route answers. */
export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text, or text or bytes with their own content type among the headers. */
  readonly body: string | readonly Uint8Array[];
}

export function jsonReply(value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status: 200, headers, body: JSON.stringify(value) };
}

/** The protocol's error object, `{"error": "…"}`, with the status the error's code stands for. */
export function errorReply(error: SelvedgeError): HttpReply {
  const status = statusOf(error);
  return {
    status,
    headers: headersOf[status] ?? {},
    body: JSON.stringify({ error: errorText(error) }),
  };
}

/** What is wrong and what to do about it, in one line. */
export function errorText({ message, fix }: SelvedgeError): string {
  return fix === undefined ? message : `${message} (${fix})`;
}

export function statusOf(error: SelvedgeError): number {
  return statuses[error.code] ?? 500;
}

export function send(response: ServerResponse, { status, headers, body }: HttpReply): void {
  const length =
    typeof body === "string" ? Buffer.byteLength(body) : body.reduce((sum, part) => sum + part.length, 0);
  response.writeHead(status, { "content-type": "application/json", "content-length": length, ...headers });
  if (typeof body === "string") response.end(body);
  // Copying a little costs less than writing it in parts.
  else if (length <= copiedBytesMax) response.end(Buffer.concat(body, length));
  else {
    for (const part of body) response.write(part);
    response.end();
  }
}

const copiedBytesMax = 65_536;

const headersOf: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { "www-authenticate": "Bearer" },
  503: { "retry-after": "1" },
};

const statuses: { readonly [Code in ErrorCode]?: number } = {
  invalid_argument: 400,
  out_of_range: 400,
  // Of a model that was to be loaded.
  corrupt: 400,
  untrusted: 400,
  failed_precondition: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  too_large: 413,
  // Nobody reads it; the number is what logs and metrics of other servers use.
  cancelled: 499,
  unsupported: 501,
  unavailable: 503,
  resource_exhausted: 503,
  deadline_exceeded: 504,
};
