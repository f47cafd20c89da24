import { type ErrorCode, type ErrorDetails, SelvedgeError } from "@selvedge/protocol";

/** Error codes of OCI distribution-spec v1.1. */
export type DistributionCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DENIED"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "UNSUPPORTED";

const codes: Readonly<Record<DistributionCode, ErrorCode>> = {
  BLOB_UNKNOWN: "not_found",
  BLOB_UPLOAD_INVALID: "invalid_argument",
  BLOB_UPLOAD_UNKNOWN: "not_found",
  DENIED: "permission_denied",
  DIGEST_INVALID: "invalid_argument",
  MANIFEST_BLOB_UNKNOWN: "not_found",
  MANIFEST_INVALID: "invalid_argument",
  MANIFEST_UNKNOWN: "not_found",
  NAME_INVALID: "invalid_argument",
  NAME_UNKNOWN: "not_found",
  SIZE_INVALID: "too_large",
  UNAUTHORIZED: "unauthenticated",
  UNSUPPORTED: "unsupported",
};

/** An error that a registry's client knows by its code. */
export class DistributionError extends SelvedgeError {
  readonly distributionCode: DistributionCode;

  constructor(code: DistributionCode, message: string, details: ErrorDetails = {}) {
    super(codes[code], message, details);
    this.distributionCode = code;
  }
}

/** What a registry's client is told of any of our errors. */
export function distributionCodeOf(error: SelvedgeError): string {
  if (error instanceof DistributionError) return error.distributionCode;
  switch (error.code) {
    case "unauthenticated":
      return "UNAUTHORIZED";
    case "permission_denied":
      return "DENIED";
    case "resource_exhausted":
      return "TOOMANYREQUESTS";
    case "too_large":
      return "SIZE_INVALID";
    default:
      return error.code.toUpperCase();
  }
}
