import type { Store } from "@selvedge/storage";
import { retryOnConflict } from "./retry-on-conflict.ts";

/** Somebody tried to enrol a second key with a token that is used up. */
export type TokenReuse = {
  readonly tokenId: string;
  /** How often; one record per token, so that an attacker cannot fill the store. */
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** The last attempt: SHA-256 of its public key, and the name it gave. */
  readonly keyDigest: string;
  readonly name: string;
};

export async function recordTokenReuse(
  store: Store,
  attempt: {
    readonly tokenId: string;
    readonly atMs: number;
    readonly keyDigest: string;
    readonly name: string;
  },
): Promise<void> {
  const { tokenId, atMs, keyDigest, name } = attempt;
  const key = `${prefix}${tokenId}`;
  await retryOnConflict(async () => {
    const stored = await store.read(key);
    const before = stored?.value as TokenReuse | undefined;
    const value: TokenReuse = {
      tokenId,
      count: (before?.count ?? 0) + 1,
      firstAtMs: before?.firstAtMs ?? atMs,
      lastAtMs: atMs,
      keyDigest,
      name,
    };
    await store.commit({ writes: [{ key, expectedVersion: stored?.version ?? 0, value }] });
  });
}

/** In the order of token ids, at most 1,000. */
export async function listTokenReuse(store: Store): Promise<readonly TokenReuse[]> {
  const records = await store.list(prefix);
  return records.map((record) => record.value as TokenReuse);
}

const prefix = "security-event/token-reuse/";
