import { type Digest, limits, SelvedgeError } from "@selvedge/protocol";
import type { Root, Snapshot, Targets, Timestamp } from "@tufjs/models";
import { newestByName, releasesOf } from "./release.ts";
import {
  checkFile,
  checkFresh,
  checkSignatures,
  type FileInfo,
  fileInfo,
  matchesFile,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type SignedMetadata,
  targetsInfo,
  untrusted,
} from "./signed-metadata.ts";

/**
 * Fetches one metadata file by name, such as "timestamp.json" or
 * "4.targets.json". Gives `undefined` when there is none, and should stop
 * reading after `bytesMax`.
 */
export type FetchMetadata = (name: string, bytesMax: number) => Promise<Uint8Array | undefined>;

/** Documents that fit together, each signed as the root requires. */
export interface TrustedMetadata {
  readonly root: SignedMetadata<Root>;
  /** Undefined until the first update has succeeded. */
  readonly current: CurrentMetadata | undefined;
  /** The newest release ever seen of each name: nothing older is taken. */
  readonly seen: ReadonlyMap<string, SeenRelease>;
}

export interface SeenRelease {
  readonly version: number;
  readonly digest: Digest;
}

export interface CurrentMetadata {
  readonly timestamp: SignedMetadata<Timestamp>;
  readonly snapshot: SignedMetadata<Snapshot>;
  readonly targets: SignedMetadata<Targets>;
}

/**
 * The TUF detailed client workflow (specification 1.0, section 5), as far as
 * top-level targets. One deviation: nothing is persisted on the way (5.3.8,
 * 5.4.5, …); the caller stores the result whole or not at all, so that no
 * interruption leaves documents that do not fit together. Whoever can break off
 * an update could have withheld the documents in the first place.
 *
 * @param startedAt - the fixed update start time (5.1), ms since 1970.
 * @throws SelvedgeError `untrusted`, `too_large`, or `unavailable` for a file
 * that is missing.
 */
export async function followClientWorkflow(
  trusted: TrustedMetadata,
  fetch: FetchMetadata,
  startedAt: number,
): Promise<TrustedMetadata> {
  const root = await updateRoot(trusted.root, fetch, startedAt);
  const known = stillTrusted(trusted, root);
  const timestamp = await updateTimestamp(root, known.timestamp, fetch, startedAt);
  const snapshot = await updateSnapshot(root, timestamp, known.snapshot, fetch, startedAt);
  const targets = await updateTargets(root, snapshot, known.targets, fetch, startedAt);
  const seen = newestSeen(targets);
  checkNotOlder(seen, known.seen);
  return { root, current: { timestamp, snapshot, targets }, seen };
}

/**
 * 5.2: checks a root that was handed over out of band, at enrolment.
 * @throws SelvedgeError `untrusted`.
 */
export function loadRoot(bytes: Uint8Array, at: string): SignedMetadata<Root> {
  const root = parseRoot(bytes, at);
  checkSignatures(root.metadata, "root", root, at);
  return root;
}

/**
 * Checks documents that were stored together after an earlier update; their
 * expiry does not matter here.
 * @throws SelvedgeError `untrusted`.
 */
export function loadCurrent(
  root: SignedMetadata<Root>,
  bytes: { readonly timestamp: Uint8Array; readonly snapshot: Uint8Array; readonly targets: Uint8Array },
): CurrentMetadata {
  const timestamp = parseTimestamp(bytes.timestamp, "stored timestamp");
  checkSignatures(root.metadata, "timestamp", timestamp, "stored timestamp");
  checkFile(bytes.snapshot, fileInfo(timestamp.signed.snapshotMeta), "stored snapshot");
  const snapshot = parseSnapshot(bytes.snapshot, "stored snapshot");
  checkSignatures(root.metadata, "snapshot", snapshot, "stored snapshot");
  checkFile(bytes.targets, targetsInfo(snapshot.signed), "stored targets");
  const targets = parseTargets(bytes.targets, "stored targets");
  checkSignatures(root.metadata, "targets", targets, "stored targets");
  releasesOf(targets, "stored targets");
  return { timestamp, snapshot, targets };
}

interface KnownMetadata extends Partial<CurrentMetadata> {
  readonly seen: TrustedMetadata["seen"];
}

async function updateRoot(
  trusted: SignedMetadata<Root>,
  fetch: FetchMetadata,
  startedAt: number,
): Promise<SignedMetadata<Root>> {
  let root = trusted;
  // 5.3.3: try version N+1, and at most Y of them.
  for (let rotations = 0; rotations < limits.rootRotationsMax; rotations++) {
    const version = root.signed.version + 1;
    const name = `${version}.root.json`;
    const bytes = await fetchBounded(fetch, name, limits.rootMetadataBytesMax);
    if (bytes === undefined) break;
    const next = parseRoot(bytes, name);
    // 5.3.4: signed by a threshold of both the trusted and the new root keys.
    checkSignatures(root.metadata, "root", next, name);
    checkSignatures(next.metadata, "root", next, name);
    // 5.3.5: exactly N+1.
    if (next.signed.version !== version) {
      throw untrusted(`root version is ${next.signed.version} where ${version} must follow`, name);
    }
    // 5.3.7
    root = next;
  }
  // 5.3.10: only the last one must not have expired.
  checkFresh(root.signed, startedAt, "root.json");
  return root;
}

/**
 * 5.3.11: what the new root's keys did not sign is forgotten, which lets a
 * fleet recover from version numbers that a thief of the old keys ran up. The
 * same goes for release counters when the release key was replaced.
 */
function stillTrusted(trusted: TrustedMetadata, root: SignedMetadata<Root>): KnownMetadata {
  const { current, seen } = trusted;
  if (current === undefined || root === trusted.root) return { ...current, seen };
  const signs = (role: keyof CurrentMetadata): boolean => isSigned(root, role, current[role]);
  const kept = signs("targets") ? { targets: current.targets, seen } : { seen: new Map() };
  if (!signs("timestamp") || !signs("snapshot")) return kept;
  return { ...kept, timestamp: current.timestamp, snapshot: current.snapshot };
}

function isSigned(
  root: SignedMetadata<Root>,
  role: string,
  document: SignedMetadata<Timestamp | Snapshot | Targets>,
): boolean {
  try {
    checkSignatures(root.metadata, role, document, role);
    return true;
  } catch {
    // Not an error: the key was replaced, so the document no longer counts.
    return false;
  }
}

async function updateTimestamp(
  root: SignedMetadata<Root>,
  known: SignedMetadata<Timestamp> | undefined,
  fetch: FetchMetadata,
  startedAt: number,
): Promise<SignedMetadata<Timestamp>> {
  const name = "timestamp.json";
  // 5.4.1
  const fetched = parseTimestamp(await fetchRequired(fetch, name, limits.timestampMetadataBytesMax), name);
  // 5.4.2
  checkSignatures(root.metadata, "timestamp", fetched, name);
  // 5.4.3.1: older is refused; the same version is nothing new, and discarded.
  const timestamp = known?.signed.version === fetched.signed.version ? known : fetched;
  if (known !== undefined) {
    checkNotRolledBack(known.signed.version, timestamp.signed.version, name);
    // 5.4.3.2
    const listed = timestamp.signed.snapshotMeta.version;
    checkNotRolledBack(known.signed.snapshotMeta.version, listed, `snapshot in ${name}`);
  }
  // 5.4.4
  checkFresh(timestamp.signed, startedAt, name);
  return timestamp;
}

async function updateSnapshot(
  root: SignedMetadata<Root>,
  timestamp: SignedMetadata<Timestamp>,
  known: SignedMetadata<Snapshot> | undefined,
  fetch: FetchMetadata,
  startedAt: number,
): Promise<SignedMetadata<Snapshot>> {
  const listed = fileInfo(timestamp.signed.snapshotMeta);
  const name = `${listed.version}.snapshot.json`;
  // 5.5.1, 5.5.2
  const snapshot = await fetchListed(
    fetch,
    { name, listed, known, bytesMax: limits.metadataBytesMax },
    parseSnapshot,
  );
  // 5.5.3
  checkSignatures(root.metadata, "snapshot", snapshot, name);
  // 5.5.4
  checkListedVersion(snapshot.signed.version, listed, name);
  // 5.5.5: no listed targets document goes back or disappears.
  for (const [file, before] of Object.entries(known?.signed.meta ?? {})) {
    checkNotRolledBack(before.version, snapshot.signed.meta[file]?.version ?? 0, `${file} in ${name}`);
  }
  // 5.5.6
  checkFresh(snapshot.signed, startedAt, name);
  return snapshot;
}

async function updateTargets(
  root: SignedMetadata<Root>,
  snapshot: SignedMetadata<Snapshot>,
  known: SignedMetadata<Targets> | undefined,
  fetch: FetchMetadata,
  startedAt: number,
): Promise<SignedMetadata<Targets>> {
  const listed = targetsInfo(snapshot.signed);
  const name = `${listed.version}.targets.json`;
  // 5.6.1, 5.6.2
  const targets = await fetchListed(
    fetch,
    { name, listed, known, bytesMax: limits.releaseListBytesMax },
    parseTargets,
  );
  // 5.6.3
  checkSignatures(root.metadata, "targets", targets, name);
  // 5.6.4
  checkListedVersion(targets.signed.version, listed, name);
  // 5.6.5
  checkFresh(targets.signed, startedAt, name);
  return targets;
}

function newestSeen(targets: SignedMetadata<Targets>): TrustedMetadata["seen"] {
  const newest = newestByName(releasesOf(targets, "targets.json"));
  return new Map([...newest].map(([name, { version, blob }]) => [name, { version, digest: blob.digest }]));
}

/** Ours, after Uptane's release counter: holds even against a thief of the online key. */
function checkNotOlder(offered: TrustedMetadata["seen"], seen: TrustedMetadata["seen"]): void {
  for (const [name, before] of seen) {
    const at = `release ${name}`;
    const newest = offered.get(name) ?? { version: 0, digest: before.digest };
    checkNotRolledBack(before.version, newest.version, at);
    if (newest.version === before.version && newest.digest !== before.digest) {
      throw untrusted(`version ${before.version} was ${before.digest} and is now ${newest.digest}`, at);
    }
  }
}

function checkNotRolledBack(known: number, offered: number, at: string): void {
  if (offered < known)
    throw untrusted(`rollback: version ${offered} is older than ${known}, seen before`, at);
}

function checkListedVersion(version: number, listed: FileInfo, at: string): void {
  if (version !== listed.version)
    throw untrusted(`version is ${version} where ${listed.version} is listed`, at);
}

/** Fetches a document whose length and hash are listed, unless `known` already is that document. */
async function fetchListed<T extends Snapshot | Targets>(
  fetch: FetchMetadata,
  file: {
    readonly name: string;
    readonly listed: FileInfo;
    readonly known: SignedMetadata<T> | undefined;
    readonly bytesMax: number;
  },
  parse: (bytes: Uint8Array, at: string) => SignedMetadata<T>,
): Promise<SignedMetadata<T>> {
  const { name, listed, known, bytesMax } = file;
  if (known !== undefined && matchesFile(known.bytes, listed)) return known;
  if (listed.length > bytesMax) throw tooLarge(name, bytesMax);
  const bytes = await fetchRequired(fetch, name, listed.length);
  checkFile(bytes, listed, name);
  return parse(bytes, name);
}

async function fetchRequired(fetch: FetchMetadata, name: string, bytesMax: number): Promise<Uint8Array> {
  const bytes = await fetchBounded(fetch, name, bytesMax);
  if (bytes !== undefined) return bytes;
  throw new SelvedgeError("unavailable", "the coordinator has no such release metadata", {
    at: name,
    fix: "try again later",
  });
}

async function fetchBounded(
  fetch: FetchMetadata,
  name: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const bytes = await fetch(name, bytesMax);
  if (bytes !== undefined && bytes.length > bytesMax) throw tooLarge(name, bytesMax);
  return bytes;
}

function tooLarge(name: string, bytesMax: number): SelvedgeError {
  return new SelvedgeError("too_large", `release metadata is larger than ${bytesMax} bytes`, { at: name });
}
