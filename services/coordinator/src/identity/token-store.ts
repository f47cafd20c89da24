import { randomBytes } from "node:crypto";
import { enrolmentKey, formatJoinToken, limits, SelvedgeError } from "@selvedge/protocol";
import type { Store, Write } from "@selvedge/storage";

/** What is kept of a join token: enough to check its use, never its secret. */
export type TokenRecord = {
  readonly id: string;
  /** `enrolmentKey` of the secret, base64url. */
  readonly key: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly usesMax: number;
  readonly used: number;
};

export interface StoredToken {
  readonly token: TokenRecord;
  readonly version: number;
}

export interface TokenStore {
  /**
   * @param request.ttlSeconds - 1 to `limits.tokenTtlSecondsMax`.
   * @param request.uses - devices that may enrol with it, 1 to `limits.tokenUsesMax`.
   * @returns the token's text, which nothing can show again.
   * @throws SelvedgeError `invalid_argument`.
   */
  create(request: { readonly ttlSeconds: number; readonly uses: number }): Promise<CreatedToken>;
  read(id: string): Promise<StoredToken | undefined>;
  /** The device that enrolled with this token and key. */
  deviceOf(id: string, keyDigest: string): Promise<string | undefined>;
  /** Writes that use a token up by one, for one key. */
  redemption(stored: StoredToken, keyDigest: string, deviceId: string): readonly Write[];
}

export interface CreatedToken {
  readonly text: string;
  readonly expiresAtMs: number;
}

/** @param options.rootPin - the authority's, as it is when a token is made. */
export function createTokenStore(options: {
  readonly store: Store;
  readonly rootPin: () => Uint8Array;
  readonly now: () => number;
}): TokenStore {
  const { store, rootPin, now } = options;
  return {
    async create({ ttlSeconds, uses }) {
      checkRange("ttl", ttlSeconds, limits.tokenTtlSecondsMax);
      checkRange("uses", uses, limits.tokenUsesMax);
      const id = randomBytes(8).toString("hex");
      const secret = new Uint8Array(randomBytes(32));
      const createdAtMs = now();
      const token: TokenRecord = {
        id,
        key: Buffer.from(enrolmentKey(secret, id)).toString("base64url"),
        createdAtMs,
        expiresAtMs: createdAtMs + ttlSeconds * 1000,
        usesMax: uses,
        used: 0,
      };
      await store.commit({ writes: [{ key: tokenKey(id), expectedVersion: 0, value: token }] });
      return { text: formatJoinToken({ rootPin: rootPin(), id, secret }), expiresAtMs: token.expiresAtMs };
    },

    async read(id) {
      const stored = await store.read(tokenKey(id));
      return stored && { token: stored.value as TokenRecord, version: stored.version };
    },

    async deviceOf(id, keyDigest) {
      const stored = await store.read(useKey(id, keyDigest));
      return stored?.value as string | undefined;
    },

    redemption({ token, version }, keyDigest, deviceId) {
      return [
        { key: tokenKey(token.id), expectedVersion: version, value: { ...token, used: token.used + 1 } },
        { key: useKey(token.id, keyDigest), expectedVersion: 0, value: deviceId },
      ];
    },
  };
}

function tokenKey(id: string): string {
  return `token/${id}`;
}

function useKey(id: string, keyDigest: string): string {
  return `token-use/${id}/${keyDigest}`;
}

function checkRange(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new SelvedgeError("invalid_argument", `a join token cannot have ${name} ${value}`, {
    at: name,
    fix: `give a whole number from 1 to ${max}`,
  });
}
