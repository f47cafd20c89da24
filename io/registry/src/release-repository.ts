import { SelvedgeError } from "@selvedge/protocol";
import type { Store, Write } from "@selvedge/storage";
import type { Root, Targets } from "@tufjs/models";
import { checkNextRoot, checkPublication } from "./check-publication.ts";
import { type CurrentMetadata, loadCurrent, loadRoot } from "./client-workflow.ts";
import type { InitialMetadata } from "./create-release-repository.ts";
import { metadataLifetimes } from "./metadata-lifetimes.ts";
import { signOnlineMetadata } from "./online-metadata.ts";
import { type Release, releasesOf } from "./release.ts";
import type { SigningKey } from "./release-keys.ts";
import {
  checkSignatures,
  parseSnapshot,
  parseTimestamp,
  type SignedMetadata,
  targetsInfo,
} from "./signed-metadata.ts";

export interface ReleaseRepositoryOptions {
  readonly store: Store;
  /** Signs snapshot and timestamp. */
  readonly onlineKey: SigningKey;
  /** Current time, ms since 1970. */
  readonly now: () => number;
}

/**
 * The coordinator's side of releases: a TUF repository with consistent
 * snapshots. It holds no release key, so it can pass releases on and vouch that
 * the list is current, and cannot make one.
 */
export class ReleaseRepository {
  readonly #store: Store;
  readonly #onlineKey: SigningKey;
  readonly #now: () => number;
  #state: RepositoryState;
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor({ store, onlineKey, now }: ReleaseRepositoryOptions, state: RepositoryState) {
    this.#store = store;
    this.#onlineKey = onlineKey;
    this.#now = now;
    this.#state = state;
  }

  /**
   * Stores the first metadata.
   * @throws SelvedgeError `conflict` when the store holds a repository,
   * `untrusted` when the documents do not verify.
   */
  static async create(
    options: ReleaseRepositoryOptions & { readonly initial: InitialMetadata },
  ): Promise<ReleaseRepository> {
    const state = loadState(options.initial, 0);
    await options.store.commit({ writes: documentWrites(state, 0) });
    return new ReleaseRepository(options, { ...state, recordVersion: 1 });
  }

  /**
   * @throws SelvedgeError `not_found` when the store holds no repository,
   * `untrusted` when what it holds does not verify.
   */
  static async open(options: ReleaseRepositoryOptions): Promise<ReleaseRepository> {
    return new ReleaseRepository(options, await readState(options.store));
  }

  /** One document as devices fetch it: "root.json", "timestamp.json", "3.targets.json", …; undefined when there is none. */
  async metadata(name: string): Promise<Uint8Array | undefined> {
    return documentName.test(name) ? readDocument(this.#store, name) : undefined;
  }

  /** The current release list, encoded: what `addRelease` adds to. */
  currentTargets(): Uint8Array {
    return this.#state.current.targets.bytes;
  }

  /** The current root metadata, encoded. */
  currentRoot(): Uint8Array {
    return this.#state.root.bytes;
  }

  timestampVersion(): number {
    return this.#state.current.timestamp.signed.version;
  }

  /** All releases, by name and then version. */
  releases(): readonly Release[] {
    return releasesOf(this.#state.current.targets, "targets.json");
  }

  /**
   * Publishes new targets metadata, made by `addRelease`. Publishing what is
   * current again changes nothing, so a lost reply may be retried.
   *
   * @returns the timestamp version that announces it.
   * @throws SelvedgeError as `checkPublication`.
   */
  publish(targets: Uint8Array): Promise<number> {
    return this.#change(async () => {
      const { root, current } = this.#state;
      if (Buffer.compare(targets, current.targets.bytes) === 0) return;
      const next = checkPublication(targets, current.targets, root, this.#now());
      await this.#replace(root, next);
    });
  }

  /**
   * Publishes new root metadata, made by `signNextRoot`. When it replaces the
   * release key, `targets` must come along, signed with the new one
   * (`renewTargets`); when it replaces the online key, this repository must have
   * been opened with the new one.
   *
   * @throws SelvedgeError as `checkNextRoot` and `checkPublication`.
   */
  publishRoot(root: Uint8Array, targets?: Uint8Array): Promise<number> {
    return this.#change(async () => {
      const { current } = this.#state;
      const next = checkNextRoot(root, this.#state.root, this.#now());
      await this.#replace(
        next,
        targets === undefined
          ? current.targets
          : checkPublication(targets, current.targets, next, this.#now()),
      );
    });
  }

  /**
   * Signs snapshot and timestamp again once less than half of their life is
   * left. Call it at start and every few hours.
   *
   * @returns the timestamp version after it.
   */
  refresh(): Promise<number> {
    return this.#change(async () => {
      const { root, current } = this.#state;
      const left = Date.parse(current.timestamp.signed.expires) - this.#now();
      if (left < metadataLifetimes.online / 2) await this.#replace(root, current.targets);
    });
  }

  /**
   * Signs snapshot and timestamp with versions that no coordinator has used: for
   * one that was restored from a backup, whose devices have seen later ones. The
   * versions are seconds since 1970, which counting by one never catches up with.
   *
   * @param successor - new root metadata with the release list signed by its release key, when
   *   releases made after the backup are to be forgotten (SPEC RL6).
   */
  skipAhead(successor?: { readonly root: Uint8Array; readonly targets: Uint8Array }): Promise<number> {
    return this.#change(async () => {
      const now = this.#now();
      const { root, current } = this.#state;
      const seconds = Math.floor(now / 1000);
      if (successor === undefined) return this.#replace(root, current.targets, seconds);
      const next = checkNextRoot(successor.root, root, now);
      await this.#replace(next, checkPublication(successor.targets, current.targets, next, now), seconds);
    });
  }

  /** One change after the other: each builds on the versions the last one left. */
  #change(apply: () => Promise<void>): Promise<number> {
    const change = this.#lastChange.then(() => this.#reload()).then(apply);
    this.#lastChange = change.catch(() => undefined);
    return change.then(() => this.timestampVersion());
  }

  /** A commit that reported failure may have happened all the same: the store has the last word. */
  async #reload(): Promise<void> {
    const record = await this.#store.read(storeKey("timestamp.json"));
    if (record?.version !== this.#state.recordVersion) this.#state = await readState(this.#store);
  }

  async #replace(
    root: SignedMetadata<Root>,
    targets: SignedMetadata<Targets>,
    versionMin: number = 0,
  ): Promise<void> {
    this.#checkOnlineKey(root.signed);
    checkSignatures(root.metadata, "targets", targets, "targets.json");
    const { current, recordVersion } = this.#state;
    const versions = {
      snapshot: Math.max(current.snapshot.signed.version + 1, versionMin),
      timestamp: Math.max(current.timestamp.signed.version + 1, versionMin),
    };
    const online = signOnlineMetadata(targets, versions, this.#onlineKey, this.#now());
    const timestamp = parseTimestamp(online.timestamp, "timestamp.json");
    const snapshot = parseSnapshot(online.snapshot, "snapshot.json");
    const next = { root, current: { timestamp, snapshot, targets }, recordVersion: recordVersion + 1 };
    await this.#store.commit({ writes: documentWrites(next, recordVersion) });
    this.#state = next;
  }

  #checkOnlineKey({ roles }: Root): void {
    if ([roles.snapshot, roles.timestamp].every((role) => role?.keyIDs.includes(this.#onlineKey.id))) return;
    throw new SelvedgeError("failed_precondition", "the root metadata does not name this online key", {
      at: "online key",
      fix: "start with the online key of this repository, or publish a root that names the new one",
    });
  }
}

interface RepositoryState {
  readonly root: SignedMetadata<Root>;
  readonly current: CurrentMetadata;
  /** Of the record of timestamp.json, which every change writes; 0 = there is none. */
  readonly recordVersion: number;
}

/** @throws SelvedgeError `not_found`, `untrusted`. */
async function readState(store: Store): Promise<RepositoryState> {
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await readDocument(store, name);
    if (bytes !== undefined) return bytes;
    throw new SelvedgeError("not_found", "the store has no such release metadata", {
      at: name,
      fix: "create the release repository first",
    });
  };
  const root = await read("root.json");
  const recordVersion = (await store.read(storeKey("timestamp.json")))?.version ?? 0;
  const timestamp = await read("timestamp.json");
  const snapshotVersion = parseTimestamp(timestamp, "timestamp.json").signed.snapshotMeta.version;
  const snapshot = await read(`${snapshotVersion}.snapshot.json`);
  const targetsVersion = targetsInfo(parseSnapshot(snapshot, "snapshot.json").signed).version;
  const targets = await read(`${targetsVersion}.targets.json`);
  return loadState({ root, timestamp, snapshot, targets }, recordVersion);
}

/** Verifies as a device would. */
function loadState(bytes: InitialMetadata, recordVersion: number): RepositoryState {
  const root = loadRoot(bytes.root, "root.json");
  return { root, current: loadCurrent(root, bytes), recordVersion };
}

/** Versions of snapshot and targets that stay, for devices in the middle of an update. */
const versionsKept = 8;

function documentWrites(next: RepositoryState, recordVersion: number): readonly Write[] {
  const { root, current } = next;
  const snapshotVersion = current.snapshot.signed.version;
  const targetsVersion = current.targets.signed.version;
  const timestamp = write("timestamp.json", current.timestamp.bytes);
  return [
    // Guards the whole transaction against a second writer.
    { ...timestamp, expectedVersion: recordVersion },
    write("root.json", root.bytes),
    write(`${root.signed.version}.root.json`, root.bytes),
    write(`${snapshotVersion}.snapshot.json`, current.snapshot.bytes),
    write(`${targetsVersion}.targets.json`, current.targets.bytes),
    write(`${snapshotVersion - versionsKept}.snapshot.json`, undefined),
    write(`${targetsVersion - versionsKept}.targets.json`, undefined),
  ];
}

function write(name: string, bytes: Uint8Array | undefined): Write {
  return { key: storeKey(name), value: bytes && new TextDecoder().decode(bytes) };
}

async function readDocument(store: Store, name: string): Promise<Uint8Array | undefined> {
  const record = await store.read(storeKey(name));
  return typeof record?.value === "string" ? new TextEncoder().encode(record.value) : undefined;
}

function storeKey(name: string): string {
  return `release-metadata/${name}`;
}

const documentName = /^(?:root|timestamp|[1-9]\d{0,15}\.(?:root|snapshot|targets))\.json$/;
