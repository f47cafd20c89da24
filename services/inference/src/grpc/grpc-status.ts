import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** How a call ended (gRPC, "Status codes and their use in gRPC"). */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** The status that says what the HTTP side's says. */
export function grpcStatus(thrown: unknown): GrpcStatus {
  const { code, message, fix } = SelvedgeError.from(thrown);
  return { code: codes[code] ?? internal, message: fix === undefined ? message : `${message} (${fix})` };
}

/** A status as HTTP/2 carries it; of the message's characters those outside ASCII and `%` are percent-encoded. */
export function statusTrailers({ code, message }: GrpcStatus): Record<string, string> {
  const text = message.slice(0, messageLengthMax).toWellFormed();
  return {
    "grpc-status": String(code),
    "grpc-message": text.replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent),
  };
}

const codes: { readonly [Each in ErrorCode]?: number } = {
  cancelled: 1,
  invalid_argument: 3,
  out_of_range: 3,
  corrupt: 3,
  untrusted: 3,
  deadline_exceeded: 4,
  not_found: 5,
  permission_denied: 7,
  too_large: 8,
  resource_exhausted: 8,
  failed_precondition: 9,
  unsupported: 12,
  unavailable: 14,
  unauthenticated: 16,
};
const internal = 13;
/** Percent-encoded it stays within what clients take of headers, 8 KiB. */
const messageLengthMax = 800;
