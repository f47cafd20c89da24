import type { Caller } from "./principal.ts";
import type { RegistryTokens } from "./registry-tokens.ts";

/**
 * A registry's client as everybody else calls: the password of Basic
 * authentication is the token, one that the registry gave out stands for
 * another, and who gives neither name nor password gives nothing (Podman does
 * that where it was not logged in).
 */
export function registryCaller(
  { certificate, headers: { authorization } }: Caller,
  tokens: Pick<RegistryTokens, "open"> | undefined,
): Caller {
  const token = basicPassword(authorization) ?? tokens?.open(bearerToken(authorization));
  if (token === undefined) return { certificate, headers: { authorization } };
  return { certificate, headers: token === "" ? {} : { authorization: `Bearer ${token}` } };
}

/** @returns empty for neither name nor password; undefined for what is not Basic authentication. */
export function basicPassword(authorization = ""): string | undefined {
  const [, encoded] = /^Basic ([\w+/=-]{0,2048})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  return text === ":" ? "" : text.slice(text.indexOf(":") + 1);
}

function bearerToken(authorization = ""): string {
  return /^Bearer ([\w.-]{1,1024})$/i.exec(authorization)?.[1] ?? "";
}
