import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { type ErrorCode, ErrorDetailSchema, isErrorCode, SelvedgeError } from "@selvedge/protocol";
import { networkError } from "./network-errors.ts";

/** The nearest gRPC status; the exact code travels in `ErrorDetail`. */
const connectCodes: Readonly<Record<ErrorCode, Code>> = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  permission_denied: Code.PermissionDenied,
  unauthenticated: Code.Unauthenticated,
  unsupported: Code.Unimplemented,
  conflict: Code.Aborted,
  out_of_range: Code.OutOfRange,
  corrupt: Code.DataLoss,
  too_large: Code.ResourceExhausted,
  untrusted: Code.FailedPrecondition,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  resource_exhausted: Code.ResourceExhausted,
  cancelled: Code.Canceled,
  internal: Code.Internal,
};

/** What a status without `ErrorDetail` means: other software answered. */
const selvedgeCodes: Readonly<Record<Code, ErrorCode>> = {
  [Code.Canceled]: "cancelled",
  [Code.Unknown]: "internal",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "conflict",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unsupported",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "corrupt",
  [Code.Unauthenticated]: "unauthenticated",
};

/**
 * What goes on the wire for a caught value. Code, message, at and fix of a
 * SelvedgeError survive; of anything else only that it happened, because its
 * words may hold what the caller must not see.
 */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (!(thrown instanceof SelvedgeError)) {
    return new ConnectError("internal error", Code.Internal, undefined, undefined, thrown);
  }
  const { code, at = "", fix = "", retryAfterMs = 0 } = thrown;
  const detail = { desc: ErrorDetailSchema, value: { code, at, fix, retryAfterMs } };
  return new ConnectError(thrown.message, connectCodes[code], undefined, [detail], thrown);
}

/** The error the other side raised, from what a call rejected with. */
export function fromConnectError(thrown: unknown, at: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const error = ConnectError.from(thrown);
  const local = error.cause instanceof SelvedgeError ? error.cause : networkError(error, at);
  if (local !== undefined) return local;
  const detail = error.findDetails(ErrorDetailSchema)[0];
  if (detail === undefined && isStreamReset(error)) {
    return new SelvedgeError("unavailable", "the connection broke before the answer came", {
      at,
      fix: "try again",
      cause: error,
    });
  }
  if (detail === undefined || !isErrorCode(detail.code)) {
    return new SelvedgeError(selvedgeCodes[error.code], error.rawMessage, { at, cause: error });
  }
  return new SelvedgeError(detail.code, error.rawMessage, {
    at: detail.at === "" ? at : detail.at,
    ...(detail.fix === "" ? {} : { fix: detail.fix }),
    ...(detail.retryAfterMs === 0 ? {} : { retryAfterMs: detail.retryAfterMs }),
    cause: error,
  });
}

/**
 * What the library says when a connection dies under a call: it takes it for a
 * reset by the peer. A call that this side gives up says that it was aborted.
 */
function isStreamReset({ code, rawMessage }: ConnectError): boolean {
  return code === Code.Canceled && rawMessage.startsWith("http/2 stream closed with error code CANCEL");
}

/** Client side: the same transport, whose calls reject with SelvedgeErrors. */
export function withSelvedgeErrors(transport: Transport, at: string): Transport {
  // Not an interceptor: what those throw becomes a ConnectError again.
  const map = (thrown: unknown): SelvedgeError => fromConnectError(thrown, at);
  return {
    async unary(...call) {
      try {
        return await transport.unary(...call);
      } catch (thrown) {
        throw map(thrown);
      }
    },
    async stream(...call) {
      try {
        const response = await transport.stream(...call);
        return { ...response, message: mapStreamErrors(response.message, map) };
      } catch (thrown) {
        throw map(thrown);
      }
    },
  };
}

/** Server side: handlers throw SelvedgeErrors; the caller gets their details. */
export function connectErrors(onInternal: (thrown: unknown, route: string) => void): Interceptor {
  return (next) => async (request) => {
    const map = (thrown: unknown): ConnectError => {
      const error = toConnectError(thrown);
      if (error.code === Code.Internal)
        onInternal(thrown, `${request.service.typeName}/${request.method.name}`);
      return error;
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: mapStreamErrors(response.message, map) } : response;
    } catch (thrown) {
      throw map(thrown);
    }
  };
}

async function* mapStreamErrors<T>(
  messages: AsyncIterable<T>,
  map: (thrown: unknown) => Error,
): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw map(thrown);
  }
}
