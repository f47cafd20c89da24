import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type BlobReference, digestOf } from "@selvedge/protocol";
import { type MemoryRecords, openMemoryStore, type Store } from "@selvedge/storage";
import { Metadata, MetadataKind } from "@tufjs/models";
import type { FetchMetadata } from "./client-workflow.ts";
import { createReleaseRepository, type InitialMetadata } from "./create-release-repository.ts";
import { type OnlineMetadata, signOnlineMetadata } from "./online-metadata.ts";
import type { Release } from "./release.ts";
import { type SigningKey, signingKeyFromPem } from "./release-keys.ts";
import { ReleaseRepository } from "./release-repository.ts";
import { addRelease } from "./sign-release.ts";
import { parseTargets, sha256, signMetadata } from "./signed-metadata.ts";
import { TrustStore } from "./trust-store.ts";

const start: number = Date.parse("2026-03-01T12:00:00Z");
export const day: number = 24 * 60 * 60 * 1000;

export const keys: Readonly<Record<"root" | "release" | "online" | "round" | "stranger", SigningKey>> = {
  root: testKey("root"),
  release: testKey("release"),
  online: testKey("online"),
  round: testKey("round"),
  stranger: testKey("stranger"),
};

/** The Ed25519 key whose seed is the SHA-256 of a label; PKCS #8 of RFC 8410. */
export function testKey(label: string): SigningKey {
  const seed = createHash("sha256").update(label).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
  return signingKeyFromPem(pem, label);
}

export function model(label: string): BlobReference & { readonly bytes: Uint8Array } {
  const bytes = new TextEncoder().encode(`model ${label}`);
  return { bytes, digest: digestOf(bytes), length: bytes.length };
}

/** A coordinator and a device that share a clock, each with its own store. */
export interface Fleet {
  /** ms since 1970. */
  now: number;
  device: TrustStore;
  readonly repository: ReleaseRepository;
  readonly clock: () => number;
  readonly initial: InitialMetadata;
  readonly deviceRecords: MemoryRecords;
  readonly repositoryRecords: MemoryRecords;
  /** What a restarted device reads back. */
  readonly openDevice: (store?: Store) => Promise<TrustStore>;
}

export async function startFleet(): Promise<Fleet> {
  const initial = createReleaseRepository({ keys, now: start });
  const clock = (): number => fleet.now;
  const deviceRecords: MemoryRecords = new Map();
  const repositoryRecords: MemoryRecords = new Map();
  const openDevice = (store: Store = openMemoryStore(deviceRecords)): Promise<TrustStore> =>
    TrustStore.open({ store, rootBytes: initial.root, now: clock });
  const store = openMemoryStore(repositoryRecords);
  const repository = await ReleaseRepository.create({ store, onlineKey: keys.online, now: clock, initial });
  const device = await openDevice();
  const fleet: Fleet = {
    now: start,
    device,
    repository,
    clock,
    initial,
    deviceRecords,
    repositoryRecords,
    openDevice,
  };
  return fleet;
}

/** Signs and publishes `label`'s bytes as the next release of `name`. */
export async function publish(
  repository: ReleaseRepository,
  name: string,
  label: string,
  now: number = start,
): Promise<Release> {
  const added = addRelease(
    repository.currentTargets(),
    { name, job: "job-1", blob: { digest: model(label).digest, length: model(label).length } },
    keys.release,
    now,
  );
  await repository.publish(added.targets);
  return added.release;
}

/** Fetches from the repository, with some files replaced, or missing (undefined). */
export function fetchFrom(
  repository: ReleaseRepository,
  replaced: Readonly<Record<string, Uint8Array | undefined>> = {},
): FetchMetadata {
  return async (name) => (name in replaced ? replaced[name] : repository.metadata(name));
}

/** Fetches from a fixed set of files and nothing else. */
export function fetchOnly(files: Readonly<Record<string, Uint8Array>>): FetchMetadata {
  return async (name) => files[name];
}

type Json = Record<string, unknown>;

/** The same document with its signed part changed, signed by whoever is given. */
export function forge(
  bytes: Uint8Array,
  change: (signed: Json) => Json,
  ...signers: readonly SigningKey[]
): Uint8Array {
  const document = JSON.parse(new TextDecoder().decode(bytes));
  const json = { ...document, signed: change(document.signed) };
  return signMetadata(readMetadata(json).signed, signers);
}

function readMetadata(json: { signed: Json }): Metadata<Parameters<typeof signMetadata>[0]> {
  const data = json as unknown as Parameters<typeof Metadata.fromJSON>[1];
  switch (json.signed._type) {
    case "root":
      return Metadata.fromJSON(MetadataKind.Root, data);
    case "timestamp":
      return Metadata.fromJSON(MetadataKind.Timestamp, data);
    case "snapshot":
      return Metadata.fromJSON(MetadataKind.Snapshot, data);
    default:
      return Metadata.fromJSON(MetadataKind.Targets, data);
  }
}

/** Files as an attacker would serve them who holds the online key, but no release key. */
export function withOnlineKey(
  fleet: Fleet,
  targets: Uint8Array,
  snapshot = 50,
  timestamp = 50,
): Readonly<Record<string, Uint8Array>> {
  const { version } = JSON.parse(new TextDecoder().decode(targets)).signed;
  const online = signOnline(targets, { snapshot, timestamp }, fleet.now);
  return {
    "timestamp.json": online.timestamp,
    [`${snapshot}.snapshot.json`]: online.snapshot,
    [`${version}.targets.json`]: targets,
  };
}

/** The update is refused, and the device afterwards believes exactly what it did before. */
export async function assertRefused(
  fleet: Fleet,
  fetch: FetchMetadata,
  expected: { code?: string | RegExp; message?: RegExp; at?: string } = { code: "untrusted" },
): Promise<void> {
  const before = { releases: fleet.device.releases(), record: [...fleet.deviceRecords] };
  await assert.rejects(fleet.device.update(fetch), expected);
  assert.deepEqual(fleet.device.releases(), before.releases);
  assert.deepEqual([...fleet.deviceRecords], before.record);
  assert.deepEqual((await fleet.openDevice()).releases(), before.releases);
}

/** For `forge`: lets a timestamp list the given snapshot. */
export function listingSnapshot(snapshot: Uint8Array): (signed: Json) => Json {
  const { version } = JSON.parse(new TextDecoder().decode(snapshot)).signed;
  const listed = { version, length: snapshot.length, hashes: { sha256: sha256(snapshot) } };
  return (signed) => ({ ...signed, meta: { "snapshot.json": listed } });
}

/** What a holder of the online key signs over a list. */
export function signOnline(
  targets: Uint8Array,
  versions: { readonly snapshot: number; readonly timestamp: number },
  now: number,
): OnlineMetadata {
  return signOnlineMetadata(parseTargets(targets, "test"), versions, keys.online, now);
}
