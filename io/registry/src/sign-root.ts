import { SelvedgeError } from "@selvedge/protocol";
import { Key, MetadataKind, Root } from "@tufjs/models";
import { metadataLifetimes } from "./metadata-lifetimes.ts";
import type { SigningKey } from "./release-keys.ts";
import { isoTime, parseRoot, signMetadata, specVersion } from "./signed-metadata.ts";

/** Keys that root metadata names; only their public halves enter it. */
export interface RootKeys {
  readonly root: SigningKey;
  /** Signs targets. */
  readonly release: PublicKey;
  /** Signs snapshot and timestamp. */
  readonly online: PublicKey;
}

export type PublicKey = Pick<SigningKey, "id" | "publicKey">;

/** Root metadata, version 1, threshold 1 (TUF §4.3). `now` in ms since 1970. */
export function signFirstRoot(keys: RootKeys, now: number): Uint8Array {
  return signMetadata(rootOf(keys, 1, now), [keys.root]);
}

/**
 * The next root metadata, signed by the old and the new root key (TUF §6.1):
 * renews its expiry, and replaces whichever keys differ.
 *
 * @throws SelvedgeError `untrusted` when `currentRoot` is not root metadata,
 * `permission_denied` when `oldRootKey` is not one of its root keys.
 */
export function signNextRoot(
  currentRoot: Uint8Array,
  oldRootKey: SigningKey,
  keys: RootKeys,
  now: number,
): Uint8Array {
  const { signed } = parseRoot(currentRoot, "root.json");
  if (!signed.roles.root?.keyIDs.includes(oldRootKey.id)) {
    throw new SelvedgeError("permission_denied", "this key is not a root key of the current root metadata", {
      at: "root.json",
      fix: "sign with the root key that was made with the repository",
    });
  }
  return signMetadata(rootOf(keys, signed.version + 1, now), [oldRootKey, keys.root]);
}

export function tufKey(key: PublicKey): Key {
  return new Key({ keyID: key.id, keyType: "ed25519", scheme: "ed25519", keyVal: { public: key.publicKey } });
}

function rootOf(keys: RootKeys, version: number, now: number): Root {
  const role = (key: PublicKey) => ({ keyids: [key.id], threshold: 1 });
  return Root.fromJSON({
    _type: MetadataKind.Root,
    spec_version: specVersion,
    version,
    expires: isoTime(now + metadataLifetimes.root),
    keys: Object.fromEntries(
      [keys.root, keys.release, keys.online].map((key) => [key.id, tufKey(key).toJSON()]),
    ),
    roles: {
      root: role(keys.root),
      targets: role(keys.release),
      snapshot: role(keys.online),
      timestamp: role(keys.online),
    },
    consistent_snapshot: true,
  });
}
