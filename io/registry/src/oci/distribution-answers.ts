import type { IncomingHttpHeaders } from "node:http";
import { SelvedgeError } from "@selvedge/protocol";
import { type HttpAnswer, httpError } from "@selvedge/transport-grpc";
import { DistributionError, distributionCodeOf } from "./distribution-error.ts";
import { tokenPath } from "./distribution-path.ts";

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers: { "content-length": "0", ...versionHeader, ...headers } };
}

export function jsonAnswer(
  value: unknown,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return bytesAnswer(new TextEncoder().encode(JSON.stringify(value)), {
    "content-type": contentType,
    ...headers,
  });
}

export function bytesAnswer(body: Uint8Array, headers: Readonly<Record<string, string>>): HttpAnswer {
  return {
    status: 200,
    headers: { "content-length": String(body.length), ...versionHeader, ...headers },
    body,
  };
}

/**
 * An error as registries' clients read it (distribution-spec, Error Codes). A stranger is told where to get a token
 * (distribution, token authentication): Docker asks for one without a password too, and for Basic authentication not.
 */
export function refusalAnswer(thrown: unknown, { host, ":authority": authority }: RequestHost): HttpAnswer {
  const ours = httpError(thrown);
  const error = thrown instanceof SelvedgeError ? thrown : new SelvedgeError("internal", "internal error");
  const { message, at, fix } = error;
  const code = distributionCodeOf(error);
  const detail = { ...(at !== undefined && { at }), ...(fix !== undefined && { fix }) };
  const text = fix === undefined ? message : `${message}: ${fix}`;
  const body = new TextEncoder().encode(JSON.stringify({ errors: [{ code, message: text, detail }] }));
  return {
    status: statusOf(error, ours.status),
    headers: {
      ...ours.headers,
      ...versionHeader,
      "content-length": String(body.length),
      ...(error.code === "unauthenticated" && {
        "www-authenticate": challenge(String(authority ?? host ?? "")),
      }),
    },
    body,
  };
}

function statusOf(error: SelvedgeError, status: number): number {
  if (!(error instanceof DistributionError)) return status;
  // The two that the specification sets apart from ours.
  if (error.distributionCode === "BLOB_UPLOAD_INVALID") return 416;
  return error.distributionCode === "UNSUPPORTED" ? 404 : status;
}

/** Whom the client meant to ask. */
type RequestHost = Pick<IncomingHttpHeaders, "host" | ":authority">;

function challenge(host: string): string {
  const safe = host.replaceAll(/[^\w.:[\]-]/g, "");
  return `Bearer realm="https://${safe}${tokenPath}",service="${safe}"`;
}

const versionHeader = { "docker-distribution-api-version": "registry/2.0" };
