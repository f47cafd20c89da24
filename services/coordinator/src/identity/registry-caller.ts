import type { Caller } from "./principal.ts";

/**
 * A registry's client as everybody else calls: the password of Basic
 * authentication is the token, and who gives neither name nor password gives
 * nothing (Podman does that where it was not logged in).
 */
export function registryCaller({ certificate, headers: { authorization } }: Caller): Caller {
  const [, encoded] = /^Basic ([\w+/=-]{0,2048})$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return { certificate, headers: { authorization } };
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const token = text.slice(text.indexOf(":") + 1);
  return { certificate, headers: text === ":" ? {} : { authorization: `Bearer ${token}` } };
}
