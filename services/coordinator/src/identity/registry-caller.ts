import type { Caller } from "./principal.ts";
import type { RegistryTokens } from "./registry-tokens.ts";

/**
 * A registry's client as everybody else calls: the password of Basic
 * authentication is the token, one that the registry gave out stands for
 * another, and who gives neither name nor password gives nothing (Podman does
 * that where it was not logged in).
 */
export function registryCaller(
  { certificate, headers }: Caller,
  tokens: Pick<RegistryTokens, "open"> | undefined,
): Caller {
  const token = registryToken(headers.authorization, tokens);
  if (token === undefined) return { certificate, headers: { authorization: headers.authorization } };
  return { certificate, headers: token === "" ? {} : { authorization: `Bearer ${token}` } };
}

/** @returns the operator's token that a registry's client means, empty for none; undefined for what is another's form. */
export function registryToken(
  authorization: string | undefined,
  tokens: Pick<RegistryTokens, "open"> | undefined,
): string | undefined {
  const [, bearer] = /^Bearer ([\w.-]{1,1024})$/i.exec(authorization ?? "") ?? [];
  if (bearer !== undefined) return tokens?.open(bearer) ?? bearer;
  const [, encoded] = /^Basic ([\w+/=-]{0,2048})$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  return text === ":" ? "" : text.slice(text.indexOf(":") + 1);
}
