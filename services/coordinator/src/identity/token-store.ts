import { randomBytes } from "node:crypto";
import { enrolmentKey, formatJoinToken, limits, SelvedgeError } from "@selvedge/protocol";
import { readAll, type Store, type StoredRecord, type Write } from "@selvedge/storage";
import { checkGroupAndTags, uniqueTags } from "./group-and-tags.ts";
import { retryOnConflict } from "./retry-on-conflict.ts";

/** What is kept of a join token: enough to check its use, never its secret. */
export type TokenRecord = {
  readonly id: string;
  /** `enrolmentKey` of the secret, base64url. */
  readonly key: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly usesMax: number;
  readonly used: number;
  readonly revokedAtMs: number | null;
} & Grant;

/** What a token gives to the devices that enrol with it. */
export type Grant = {
  /** Empty = none. */
  readonly group: string;
  readonly tags: readonly string[];
  /** Whether they wait for an operator's approval. */
  readonly approve: boolean;
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
  create(
    request: { readonly ttlSeconds: number; readonly uses: number } & Partial<Grant>,
  ): Promise<CreatedToken>;
  read(id: string): Promise<StoredToken | undefined>;
  /** All that were made, the newest first. */
  list(): Promise<readonly TokenRecord[]>;
  /**
   * From when its promise resolves nobody enrols with it. Again changes nothing.
   *
   * @throws SelvedgeError `not_found`.
   */
  revoke(id: string): Promise<TokenRecord>;
  /** The device that enrolled with this token and key. */
  deviceOf(id: string, keyDigest: string): Promise<string | undefined>;
  /** Writes that use a token up by one, for one key. */
  redemption(stored: StoredToken, keyDigest: string, deviceId: string): readonly Write[];
}

export interface CreatedToken {
  readonly id: string;
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
    async create({ ttlSeconds, uses, group = "", tags = [], approve = false }) {
      checkGroupAndTags(group, tags);
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
        revokedAtMs: null,
        group,
        tags: uniqueTags(tags),
        approve,
      };
      await store.commit({ writes: [{ key: tokenKey(id), expectedVersion: 0, value: token }] });
      return {
        id,
        text: formatJoinToken({ rootPin: rootPin(), id, secret }),
        expiresAtMs: token.expiresAtMs,
      };
    },

    async read(id) {
      const stored = await store.read(tokenKey(id));
      return stored && { token: tokenOf(stored), version: stored.version };
    },

    async list() {
      const tokens: TokenRecord[] = [];
      for await (const stored of readAll(store, tokenPrefix)) tokens.push(tokenOf(stored));
      return tokens.sort((a, b) => b.createdAtMs - a.createdAtMs);
    },

    revoke: (id) =>
      retryOnConflict(async () => {
        const stored = idPattern.test(id) ? await store.read(tokenKey(id)) : undefined;
        if (stored === undefined) throw unknownToken(id);
        const before = tokenOf(stored);
        if (before.revokedAtMs !== null) return before;
        const token: TokenRecord = { ...before, revokedAtMs: now() };
        await store.commit({
          writes: [{ key: stored.key, expectedVersion: stored.version, value: token }],
        });
        return token;
      }),

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

/** Records of before tokens had groups are completed. */
function tokenOf({ value }: StoredRecord): TokenRecord {
  const early = { revokedAtMs: null, group: "", tags: [], approve: false };
  return { ...early, ...(value as Partial<TokenRecord>) } as TokenRecord;
}

function tokenKey(id: string): string {
  return `${tokenPrefix}${id}`;
}

function useKey(id: string, keyDigest: string): string {
  return `token-use/${id}/${keyDigest}`;
}

function unknownToken(id: string): SelvedgeError {
  return new SelvedgeError("not_found", `there is no join token "${id.slice(0, 32)}"`, {
    at: "join token",
    fix: "list the tokens with selvedge token list",
  });
}

function checkRange(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new SelvedgeError("invalid_argument", `a join token cannot have ${name} ${value}`, {
    at: name,
    fix: `give a whole number from 1 to ${max}`,
  });
}

const tokenPrefix = "token/";
const idPattern = /^[a-z0-9]{8,32}$/;
