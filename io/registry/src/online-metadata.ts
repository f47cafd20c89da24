import { MetaFile, Snapshot, type Targets, Timestamp } from "@tufjs/models";
import { metadataLifetimes } from "./metadata-lifetimes.ts";
import type { SigningKey } from "./release-keys.ts";
import { isoTime, type SignedMetadata, sha256, signMetadata, specVersion } from "./signed-metadata.ts";

export interface OnlineMetadata {
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
}

/**
 * Signs what the coordinator's online key vouches for: which targets document
 * is current (snapshot) and that this was so lately (timestamp). TUF §6.3.2-3.
 *
 * @param versions - the new versions of the two documents.
 * @param now - ms since 1970.
 */
export function signOnlineMetadata(
  targets: SignedMetadata<Targets>,
  versions: { readonly snapshot: number; readonly timestamp: number },
  onlineKey: SigningKey,
  now: number,
): OnlineMetadata {
  const expires = isoTime(now + metadataLifetimes.online);
  const snapshot = signMetadata(
    new Snapshot({
      specVersion,
      version: versions.snapshot,
      expires,
      meta: { "targets.json": listed(targets.bytes, targets.signed.version) },
    }),
    [onlineKey],
  );
  const timestamp = signMetadata(
    new Timestamp({
      specVersion,
      version: versions.timestamp,
      expires,
      snapshotMeta: listed(snapshot, versions.snapshot),
    }),
    [onlineKey],
  );
  return { snapshot, timestamp };
}

function listed(bytes: Uint8Array, version: number): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
}
