import type { Digest } from "@selvedge/protocol";

/** Blobs that were pushed to a repository of late, and that no manifest names yet. In memory: a client pushes again. */
export class RecentPushes {
  readonly #now: () => number;
  /** When it was pushed, by repository and blob; the latest is the last. */
  readonly #repositories = new Map<string, Map<Digest, number>>();

  /** @param now - Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(repository: string, digest: Digest): void {
    this.#forgetOld();
    const pushes = this.#repositories.get(repository) ?? new Map<Digest, number>();
    pushes.delete(digest);
    this.#repositories.set(repository, pushes.set(digest, this.#now()));
  }

  has(repository: string, digest: Digest): boolean {
    return this.#repositories.get(repository)?.has(digest) === true;
  }

  hasAny(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  /** A manifest names them now. */
  forget(repository: string, digests: Iterable<Digest>): void {
    const pushes = this.#repositories.get(repository);
    for (const digest of digests) pushes?.delete(digest);
    if (pushes?.size === 0) this.#repositories.delete(repository);
  }

  #forgetOld(): void {
    const before = this.#now() - keptMs;
    for (const [repository, pushes] of this.#repositories) {
      const old: Digest[] = [];
      for (const [digest, pushedAtMs] of pushes) {
        if (pushedAtMs >= before) break;
        old.push(digest);
      }
      this.forget(repository, old);
    }
  }
}

/** Longer than a push takes; the blob itself may be swept before. */
const keptMs = 86_400_000;
