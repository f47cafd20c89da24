import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** The status that says what the HTTP side's says. */
export function grpcError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const { code, message, fix } = SelvedgeError.from(thrown);
  const text = fix === undefined ? message : `${message} (${fix})`;
  return new ConnectError(text, codes[code] ?? Code.Internal, undefined, undefined, thrown);
}

const codes: { readonly [Each in ErrorCode]?: Code } = {
  invalid_argument: Code.InvalidArgument,
  out_of_range: Code.InvalidArgument,
  corrupt: Code.InvalidArgument,
  untrusted: Code.InvalidArgument,
  failed_precondition: Code.FailedPrecondition,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  not_found: Code.NotFound,
  too_large: Code.ResourceExhausted,
  cancelled: Code.Canceled,
  unsupported: Code.Unimplemented,
  unavailable: Code.Unavailable,
  resource_exhausted: Code.ResourceExhausted,
  deadline_exceeded: Code.DeadlineExceeded,
};
