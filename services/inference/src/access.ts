import { createHash, timingSafeEqual } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";

/** Who may ask for something: anybody, callers of models, or who may change what is served. */
export type Permission = "anyone" | "caller" | "admin";

export interface AccessOptions {
  /** What callers send as `Authorization: Bearer …`; absent: everybody who reaches the server may call. */
  readonly token?: string;
  /** What loading and unloading take, and good for calls too; absent: nobody may. */
  readonly adminToken?: string;
}

/** Judges requests by their bearer tokens. */
export class Access {
  readonly #caller: Uint8Array | undefined;
  readonly #admin: Uint8Array | undefined;

  constructor({ token, adminToken }: AccessOptions) {
    this.#caller = token === undefined ? undefined : hash(token);
    this.#admin = adminToken === undefined ? undefined : hash(adminToken);
  }

  /**
   * @param authorization the request's `Authorization`
   * @throws SelvedgeError `unauthenticated` without a token that is good for it, `permission_denied` when none is
   */
  check(permission: Permission, authorization: string | undefined): void {
    if (permission === "anyone" || (permission === "caller" && this.#caller === undefined)) return;
    if (permission === "admin" && this.#admin === undefined) {
      throw new SelvedgeError("permission_denied", "this server does not load or unload models for callers", {
        fix: "start it with an admin token",
      });
    }
    const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (given !== undefined && this.#isGood(permission, hash(given))) return;
    throw new SelvedgeError(
      "unauthenticated",
      given === undefined ? "this takes a token" : "the token is wrong",
      {
        fix: permission === "admin" ? `${how}, the server's admin token` : how,
      },
    );
  }

  #isGood(permission: Permission, given: Uint8Array): boolean {
    const good = permission === "admin" ? [this.#admin] : [this.#admin, this.#caller];
    return good.some((each) => each !== undefined && timingSafeEqual(each, given));
  }
}

/** Of equal length whatever the token's, and compared in constant time. */
function hash(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

const how = "send it as Authorization: Bearer TOKEN";
