import { SelvedgeError } from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import type { Targets } from "@tufjs/models";
import {
  type FetchMetadata,
  followClientWorkflow,
  loadRoot,
  type TrustedMetadata,
} from "./client-workflow.ts";
import { newestByName, type Release, releasesOf } from "./release.ts";
import type { RoundDelegation } from "./round-metadata.ts";
import type { SignedMetadata } from "./signed-metadata.ts";
import { readTrustRecord, trustRecord, trustRecordKey } from "./trust-record.ts";

export interface TrustStoreOptions {
  readonly store: Store;
  /** Root metadata received at enrolment. */
  readonly rootBytes: Uint8Array;
  /** Current time, ms since 1970. */
  readonly now: () => number;
}

export interface UpdateResult {
  /** Whether anything new was trusted. */
  readonly changed: boolean;
  /** All releases, by name and then version. */
  readonly releases: readonly Release[];
}

/**
 * What a device believes about releases: only what the release keys signed,
 * nothing older than it has seen, across restarts. Nothing here is touched by
 * an answer that does not verify in full.
 */
export class TrustStore {
  readonly #store: Store;
  readonly #now: () => number;
  #trusted: TrustedMetadata;
  #recordVersion: number;
  /** Updates take turns, so that one never undoes another. */
  #lastUpdate: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, now: () => number, trusted: TrustedMetadata, recordVersion: number) {
    this.#store = store;
    this.#now = now;
    this.#trusted = trusted;
    this.#recordVersion = recordVersion;
  }

  /**
   * Reads what was trusted before. Stored metadata that is damaged is dropped
   * and fetched again by the next update, starting from the enrolment root.
   *
   * @throws SelvedgeError `untrusted` when `rootBytes` is not root metadata
   * signed by its own keys.
   */
  static async open({ store, rootBytes, now }: TrustStoreOptions): Promise<TrustStore> {
    const enrolled = loadRoot(rootBytes, "release root received at enrolment");
    const record = await store.read(trustRecordKey);
    return new TrustStore(store, now, readTrustRecord(record?.value, enrolled), record?.version ?? 0);
  }

  /**
   * Fetches and verifies newer metadata. All of it is trusted together, in one
   * transaction, or none of it.
   *
   * @throws SelvedgeError `untrusted` when something is wrongly signed, rolled
   * back, expired or does not fit together; `too_large`; `unavailable` when a
   * file is missing; `conflict` when another process updated first; and whatever
   * `fetch` throws.
   */
  update(fetch: FetchMetadata): Promise<UpdateResult> {
    const update = this.#lastUpdate.then(() => this.#update(fetch));
    this.#lastUpdate = update.catch(() => undefined);
    return update;
  }

  /** The version that the commit expects is that of what the update built on. */
  async #update(fetch: FetchMetadata): Promise<UpdateResult> {
    const before = await this.#reload();
    const expectedVersion = this.#recordVersion;
    const after = await followClientWorkflow(before, fetch, this.#now());
    const changed = before.root !== after.root || before.current?.timestamp !== after.current?.timestamp;
    if (changed) {
      await this.#store.commit({
        writes: [{ key: trustRecordKey, expectedVersion, value: trustRecord(after) }],
      });
      this.#recordVersion = expectedVersion + 1;
      this.#trusted = after;
    }
    return { changed, releases: this.releases() };
  }

  /** All trusted releases, by name and then version; none before the first update. */
  releases(): readonly Release[] {
    const { current } = this.#trusted;
    return current === undefined ? [] : releasesOf(current.targets, "trusted targets");
  }

  newestRelease(name: string): Release | undefined {
    return newestByName(this.releases()).get(name);
  }

  /**
   * The release to install in place of `installedVersion`: the newest, if it is
   * newer. None while the metadata is stale: what is installed stays.
   *
   * @param installedVersion - undefined when none of this name is installed.
   */
  releaseToInstall(name: string, installedVersion: number | undefined): Release | undefined {
    const newest = this.isStale() ? undefined : this.newestRelease(name);
    return newest !== undefined && newest.version > (installedVersion ?? 0) ? newest : undefined;
  }

  /**
   * Whether trusted metadata has expired, or there is none yet: a newer release
   * may exist that this device has not heard of.
   */
  isStale(): boolean {
    const { root, current } = this.#trusted;
    if (current === undefined) return true;
    const now = new Date(this.#now());
    return [root, current.timestamp, current.snapshot, current.targets].some(({ signed }) =>
      signed.isExpired(now),
    );
  }

  /** Version of the trusted timestamp, to compare with a `ReleaseNotice`; 0 before the first update. */
  timestampVersion(): number {
    return this.#trusted.current?.timestamp.signed.version ?? 0;
  }

  /**
   * Who may sign models to train from; for `verifyRound`.
   * @throws SelvedgeError `failed_precondition` while the metadata is stale: a
   * stolen round key may have been replaced.
   */
  roundDelegation(): RoundDelegation {
    return { targets: this.#freshTargets().metadata };
  }

  /** A commit that reported failure may have happened all the same: the store has the last word. */
  async #reload(): Promise<TrustedMetadata> {
    const record = await this.#store.read(trustRecordKey);
    if (record !== undefined && record.version !== this.#recordVersion) {
      this.#trusted = readTrustRecord(record.value, this.#trusted.root);
      this.#recordVersion = record.version;
    }
    return this.#trusted;
  }

  #freshTargets(): SignedMetadata<Targets> {
    const { current } = this.#trusted;
    if (current !== undefined && !this.isStale()) return current.targets;
    throw new SelvedgeError("failed_precondition", "release metadata is missing or has expired", {
      at: "trust store",
      fix: "update it from the coordinator first, and check this machine's clock",
    });
  }
}
