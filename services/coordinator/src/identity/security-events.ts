import { readAll, type Store } from "@selvedge/storage";
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

/** In the order of token ids. */
export async function listTokenReuse(store: Store): Promise<readonly TokenReuse[]> {
  const events: TokenReuse[] = [];
  for await (const { value } of readAll(store, prefix)) events.push(value as TokenReuse);
  return events;
}

/** A device's identity was found in use twice (SPEC EN33). */
export type Fork = {
  readonly device: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** What gave it away, the last time. */
  readonly why: string;
};

export async function recordFork(
  store: Store,
  { device, why, atMs }: { readonly device: string; readonly why: string; readonly atMs: number },
): Promise<void> {
  await retryOnConflict(async () => {
    const key = `${forkPrefix}${device}`;
    const stored = await store.read(key);
    const before = stored?.value as Fork | undefined;
    const count = (before?.count ?? 0) + 1;
    const value: Fork = { device, count, firstAtMs: before?.firstAtMs ?? atMs, lastAtMs: atMs, why };
    await store.commit({ writes: [{ key, expectedVersion: stored?.version ?? 0, value }] });
  });
}

/** By device. */
export async function listForks(store: Store): Promise<ReadonlyMap<string, Fork>> {
  const forks = new Map<string, Fork>();
  for await (const { value } of readAll(store, forkPrefix)) {
    const fork = value as Fork;
    forks.set(fork.device, fork);
  }
  return forks;
}

const prefix = "security-event/token-reuse/";
const forkPrefix = "security-event/fork/";
