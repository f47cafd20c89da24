import { createHash, sign } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import {
  type Key,
  Metadata,
  MetadataKind,
  type MetaFile,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import { keyIdOf, type SigningKey } from "./release-keys.ts";

/** Version of the TUF specification that documents are written by. */
export const specVersion = "1.0.31";

/** A document of the four TUF top-level roles, or of a delegated targets role. */
export type Signed = Root | Timestamp | Snapshot | Targets;

/** Metadata with the bytes it was read from. Parsed is not yet trusted. */
export interface SignedMetadata<T extends Signed> {
  readonly bytes: Uint8Array;
  readonly metadata: Metadata<T>;
  readonly signed: T;
}

/** Version, length (bytes) and SHA-256 (hexadecimal) one document states of another. */
export interface FileInfo {
  readonly version: number;
  readonly length: number;
  readonly sha256: string;
}

/**
 * The four parsers read one document and check its form. Stricter than TUF
 * where that closes a door: Ed25519 only, a key id must be the key's own hash
 * (so one key cannot count twice), and files are always listed with length and
 * SHA-256.
 *
 * @throws SelvedgeError `untrusted` when the bytes are not such a document.
 */
export function parseRoot(bytes: Uint8Array, at: string): SignedMetadata<Root> {
  return parse(bytes, at, (json) => {
    const metadata = Metadata.fromJSON(MetadataKind.Root, json);
    checkKeys(metadata.signed.keys);
    if (!metadata.signed.consistentSnapshot) throw new TypeError("consistent_snapshot must be true");
    return metadata;
  });
}

export function parseTimestamp(bytes: Uint8Array, at: string): SignedMetadata<Timestamp> {
  return parse(bytes, at, (json) => {
    const metadata = Metadata.fromJSON(MetadataKind.Timestamp, json);
    fileInfo(metadata.signed.snapshotMeta);
    return metadata;
  });
}

export function parseSnapshot(bytes: Uint8Array, at: string): SignedMetadata<Snapshot> {
  return parse(bytes, at, (json) => {
    const metadata = Metadata.fromJSON(MetadataKind.Snapshot, json);
    targetsInfo(metadata.signed);
    return metadata;
  });
}

export function parseTargets(bytes: Uint8Array, at: string): SignedMetadata<Targets> {
  return parse(bytes, at, (json) => {
    const metadata = Metadata.fromJSON(MetadataKind.Targets, json);
    const { delegations } = metadata.signed;
    if (delegations !== undefined) checkKeys(delegations.keys);
    return metadata;
  });
}

/** Signs with each key (over canonical JSON) and encodes. */
export function signMetadata(signed: Signed, keys: readonly SigningKey[]): Uint8Array {
  const metadata = new Metadata(signed);
  for (const key of keys) {
    metadata.sign(
      (bytes) => new Signature({ keyID: key.id, sig: sign(null, bytes, key.privateKey).toString("hex") }),
    );
  }
  return new TextEncoder().encode(JSON.stringify(metadata.toJSON()));
}

/** @throws SelvedgeError `untrusted` unless a threshold of the role's keys signed the document. */
export function checkSignatures(
  delegator: Metadata<Root> | Metadata<Targets>,
  role: string,
  document: SignedMetadata<Signed>,
  at: string,
): void {
  try {
    delegator.verifyDelegate(role, document.metadata);
  } catch (cause) {
    throw untrusted(
      `not signed as the role "${role}" requires: ${SelvedgeError.from(cause).message}`,
      at,
      cause,
    );
  }
}

/** @throws SelvedgeError `untrusted` once the document has expired; `now` in ms since 1970. */
export function checkFresh(signed: Signed, now: number, at: string): void {
  if (!signed.isExpired(new Date(now))) return;
  throw new SelvedgeError("untrusted", `expired on ${signed.expires}, and it is ${isoTime(now)}`, {
    at,
    fix: "check this machine's clock; if it is right, someone may be holding back newer metadata",
  });
}

/** @throws SelvedgeError `untrusted` unless the bytes have the stated length and hash. */
export function checkFile(bytes: Uint8Array, expected: FileInfo, at: string): void {
  if (!matchesFile(bytes, expected)) {
    throw untrusted("length or SHA-256 is not what the signed metadata lists", at);
  }
}

export function matchesFile(bytes: Uint8Array, expected: FileInfo): boolean {
  return bytes.length === expected.length && sha256(bytes) === expected.sha256;
}

export function fileInfo(file: MetaFile | undefined): FileInfo {
  const sha = file?.hashes?.sha256;
  if (file === undefined || !isCounter(file.version) || !isCounter(file.length) || !isHex32(sha)) {
    throw new TypeError("a listed file needs version, length and sha256");
  }
  return { version: file.version, length: file.length, sha256: sha };
}

export function targetsInfo(snapshot: Snapshot): FileInfo {
  return fileInfo(snapshot.meta["targets.json"]);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** TUF §4.1 date: ISO 8601 in UTC, whole seconds; from ms since 1970. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function untrusted(reason: string, at: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("untrusted", reason, { at, cause });
}

type JsonObject = Parameters<typeof Metadata.fromJSON>[1];

function parse<T extends Signed>(
  bytes: Uint8Array,
  at: string,
  read: (json: JsonObject) => Metadata<T>,
): SignedMetadata<T> {
  try {
    const metadata = read(
      JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)),
    );
    const { signed } = metadata;
    if (!isCounter(signed.version)) throw new TypeError("version must be a whole number from 1");
    if (!expiresPattern.test(signed.expires)) throw new TypeError("expires must be YYYY-MM-DDTHH:MM:SSZ");
    return { bytes, metadata, signed };
  } catch (cause) {
    const { message } = SelvedgeError.from(cause);
    throw untrusted(`not well-formed release metadata: ${message.slice(0, 200)}`, at, cause);
  }
}

function checkKeys(keys: Readonly<Record<string, Key>>): void {
  for (const [id, key] of Object.entries(keys)) {
    const { public: publicKey } = key.keyVal;
    if (key.keyType !== "ed25519" || key.scheme !== "ed25519" || !isHex32(publicKey)) {
      throw new TypeError(`key ${id.slice(0, 80)} is not Ed25519`);
    }
    if (keyIdOf(publicKey) !== id) throw new TypeError(`key id ${id.slice(0, 80)} is not the key's own hash`);
  }
}

function isCounter(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function isHex32(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}

const expiresPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
