import { type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { ImageStore } from "@selvedge/registry";
import { type FileBlobs, openEpoch, openFileBlobStore, type Store } from "@selvedge/storage";
import { AuditLog } from "./audit/audit-log.ts";
import { type Authority, openAuthority } from "./identity/certificate-authority.ts";
import { type DeviceRegistry, openDeviceRegistry } from "./identity/device-registry.ts";
import { type IdentitySettings, openIdentitySettings } from "./identity/identity-settings.ts";
import { openKeyFolder } from "./identity/key-folder.ts";
import { OperatorTokens } from "./identity/operator-tokens.ts";
import { openSessionRatchet, type SessionRatchet } from "./identity/session-ratchet.ts";
import { createTokenStore, type TokenStore } from "./identity/token-store.ts";
import { JobRecords } from "./jobs/job-records.ts";
import { InstallReports } from "./operators/install-reports.ts";
import { openOperatorKey } from "./operators/operator-key.ts";
import { openReleaseSigning, type ReleaseSigning } from "./releases/release-signing.ts";
import { StrategyFolder } from "./strategies/strategy-folder.ts";

export interface FleetOptions {
  readonly folder: string;
  readonly trustDomain: string;
  readonly hosts: readonly string[];
  /** What is given replaces what was stored. */
  readonly identity?: Partial<IdentitySettings>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** All that a coordinator keeps on disk. */
export interface Fleet {
  readonly store: Store;
  readonly blobs: FileBlobs;
  readonly images: ImageStore;
  readonly authority: Authority;
  readonly identity: IdentitySettings;
  /** Public key of the operator whose plans run here. */
  readonly operatorKey: KeyObject;
  readonly signing: ReleaseSigning;
  readonly devices: DeviceRegistry;
  readonly ratchet: SessionRatchet;
  readonly tokens: TokenStore;
  readonly operatorTokens: OperatorTokens;
  readonly audit: AuditLog;
  readonly installs: InstallReports;
  readonly records: JobRecords;
  readonly strategies: StrategyFolder;
  /** Random id of this database, made once: a copy of it that runs too is a clone. */
  readonly epoch: string;
}

/** Opens a coordinator's folder, and makes what is not there yet. @throws SelvedgeError as each part does. */
export async function openFleet(store: Store, options: FleetOptions): Promise<Fleet> {
  const { folder, trustDomain, hosts, now } = options;
  const keys = await openKeyFolder(join(folder, "keys"));
  const identity = await openIdentitySettings(store, options.identity ?? {});
  const { offlineBudgetMs } = identity;
  const authority = await openAuthority({ folder: keys, trustDomain, hosts, nowMs: now(), offlineBudgetMs });
  const signing = await openReleaseSigning(folder, store, now);
  const isReleased = (name: string, version: bigint): boolean =>
    signing.repository
      .releases()
      .some((release) => release.name === name && BigInt(release.version) === version);
  const blobs = await openFileBlobStore({ root: folder });
  return {
    store,
    authority,
    identity,
    signing,
    blobs,
    images: await ImageStore.open(store, blobs),
    operatorKey: await openOperatorKey(folder, keys),
    devices: await openDeviceRegistry(store),
    ratchet: await openSessionRatchet(store, randomBytes),
    tokens: createTokenStore({ store, rootPin: () => authority.rootPin, now }),
    operatorTokens: await OperatorTokens.open({ store, rootPin: () => authority.rootPin, now }),
    audit: await AuditLog.open(store, now),
    installs: await InstallReports.open(store, isReleased),
    records: new JobRecords(store),
    strategies: new StrategyFolder(folder),
    epoch: await openEpoch(store, randomUUID),
  };
}
