/**
 * Who has to act for the error to go away. One letter of difference decides
 * whether a device retries, an operator is told, or we have a bug.
 */
export type Culprit = "caller" | "peer" | "environment" | "us";

/** Closed set of codes; the exit code of the CLI is derived from it. */
export type ErrorCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "permission_denied"
  | "unauthenticated"
  | "unsupported"
  | "conflict"
  | "out_of_range"
  | "corrupt"
  | "too_large"
  | "untrusted"
  | "unavailable"
  | "deadline_exceeded"
  | "resource_exhausted"
  | "cancelled"
  | "internal";

export const culprits: Readonly<Record<ErrorCode, Culprit>> = {
  invalid_argument: "caller",
  not_found: "caller",
  already_exists: "caller",
  failed_precondition: "caller",
  permission_denied: "caller",
  unauthenticated: "caller",
  unsupported: "caller",
  conflict: "caller",
  out_of_range: "peer",
  corrupt: "peer",
  too_large: "peer",
  untrusted: "peer",
  unavailable: "environment",
  deadline_exceeded: "environment",
  resource_exhausted: "environment",
  cancelled: "environment",
  internal: "us",
};

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(culprits, text);
}

export interface ErrorDetails {
  /** Where it happened: a file and line, a node of a graph, a field, a URL. */
  readonly at?: string;
  /** What the reader can do about it, as an imperative sentence. */
  readonly fix?: string;
  /** How long to wait before trying again, when the other side said so. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * The one error class. The message says what happened and why; `at` says
 * where; `fix` says what to do.
 */
export class SelvedgeError extends Error {
  readonly code: ErrorCode;
  readonly at: string | undefined;
  readonly fix: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = "SelvedgeError";
    this.code = code;
    this.at = details.at;
    this.fix = details.fix;
    this.retryAfterMs = details.retryAfterMs;
  }

  get culprit(): Culprit {
    return culprits[this.code];
  }

  /** The funnel from caught values: whatever was thrown becomes one of ours. */
  static from(thrown: unknown, code: ErrorCode = "internal"): SelvedgeError {
    if (thrown instanceof SelvedgeError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new SelvedgeError(code, message, { cause: thrown });
  }
}

/** One paragraph for a person: cause, place, fix. */
export function describeError(error: Pick<SelvedgeError, "message" | "at" | "fix">): string {
  const lines = [error.message];
  if (error.at !== undefined) lines.push(`  at:  ${error.at}`);
  if (error.fix !== undefined) lines.push(`  fix: ${error.fix}`);
  return lines.join("\n");
}
