import { namePattern, SelvedgeError } from "@selvedge/protocol";
import { MetadataKind, Targets } from "@tufjs/models";
import { metadataLifetimes } from "./metadata-lifetimes.ts";
import { checkListSize, newestByName, type Release, releasesOf, releaseToTarget } from "./release.ts";
import type { SigningKey } from "./release-keys.ts";
import { roundPaths, roundRole } from "./round-metadata.ts";
import { type PublicKey, tufKey } from "./sign-root.ts";
import {
  isoTime,
  parseTargets,
  type SignedMetadata,
  signMetadata,
  specVersion,
  untrusted,
} from "./signed-metadata.ts";

export interface AddedRelease {
  /** New targets metadata, for `ReleaseRepository.publish`. */
  readonly targets: Uint8Array;
  readonly release: Release;
}

/** Targets metadata, version 1: no release yet, rounds delegated to the round key. */
export function signFirstTargets(release: SigningKey, round: PublicKey, now: number): Uint8Array {
  const signed = Targets.fromJSON({
    _type: MetadataKind.Targets,
    spec_version: specVersion,
    version: 1,
    expires: isoTime(now + metadataLifetimes.targets),
    targets: {},
    delegations: {
      keys: { [round.id]: tufKey(round).toJSON() },
      roles: [
        { name: roundRole, keyids: [round.id], threshold: 1, terminating: true, paths: [...roundPaths] },
      ],
    },
  });
  return signMetadata(signed, [release]);
}

/**
 * Adds a model as the next release of its name. The current metadata must
 * carry this release key's own signature: it comes from the coordinator, and
 * signing a list that someone else made up would make it true.
 *
 * @param now - ms since 1970.
 * @throws SelvedgeError `untrusted` when `currentTargets` is not signed with
 * `releaseKey`, `invalid_argument` for a name that cannot be a release's,
 * `too_large` when the list is full.
 */
export function addRelease(
  currentTargets: Uint8Array,
  release: Omit<Release, "version">,
  releaseKey: SigningKey,
  now: number,
): AddedRelease {
  if (!namePattern.test(release.name) || !namePattern.test(release.job)) {
    throw new SelvedgeError("invalid_argument", `cannot release "${release.name}" of job "${release.job}"`, {
      at: "release",
      fix: "use lower-case letters, digits, dots and dashes, at most 64",
    });
  }
  const current = ownTargets(currentTargets, releaseKey);
  const newest = newestByName(releasesOf(current, "targets.json")).get(release.name);
  const added = { ...release, version: (newest?.version ?? 0) + 1 };
  const { signed } = current;
  signed.addTarget(releaseToTarget(added));
  const targets = signNext(signed, releaseKey, now);
  checkListSize(targets, "targets.json");
  return { targets, release: added };
}

/**
 * Signs the same releases again with a new expiry, or with a new release key.
 *
 * @param oldKey - the key that signed `currentTargets`.
 * @throws SelvedgeError `untrusted` when it did not.
 */
export function renewTargets(
  currentTargets: Uint8Array,
  oldKey: SigningKey,
  newKey: SigningKey,
  now: number,
): Uint8Array {
  return signNext(ownTargets(currentTargets, oldKey).signed, newKey, now);
}

function ownTargets(bytes: Uint8Array, releaseKey: SigningKey): SignedMetadata<Targets> {
  const current = parseTargets(bytes, "targets.json");
  try {
    tufKey(releaseKey).verifySignature(current.metadata);
  } catch (cause) {
    throw untrusted("the current release list is not signed with this release key", "targets.json", cause);
  }
  return current;
}

function signNext(current: Targets, key: SigningKey, now: number): Uint8Array {
  const { version: _version, expires: _expires, ...rest } = current.toJSON();
  const next = Targets.fromJSON({
    ...rest,
    version: current.version + 1,
    expires: isoTime(now + metadataLifetimes.targets),
  });
  return signMetadata(next, [key]);
}
