import { SelvedgeError } from "@selvedge/protocol";
import { signOnlineMetadata } from "./online-metadata.ts";
import type { SigningKey } from "./release-keys.ts";
import { signFirstTargets } from "./sign-release.ts";
import { type PublicKey, signFirstRoot } from "./sign-root.ts";
import { parseTargets } from "./signed-metadata.ts";

export interface RepositoryKeys {
  /** Held by the releaser, used to replace keys; best kept off the coordinator. */
  readonly root: SigningKey;
  /** Held by the releaser, signs releases; best kept off the coordinator. */
  readonly release: SigningKey;
  /** Held by the coordinator, signs that the release list is current. */
  readonly online: SigningKey;
  /** Held by the coordinator, signs models to train from; only its public half is used here. */
  readonly round: PublicKey;
}

/** The first version of each document, encoded. */
export interface InitialMetadata {
  /** What devices receive at enrolment. */
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
}

/**
 * Signs the metadata of a repository without releases, for
 * `ReleaseRepository.create`.
 *
 * @throws SelvedgeError `invalid_argument` when one key has two of the four
 * roles: then a model to train from could pass as a release.
 */
export function createReleaseRepository(options: {
  readonly keys: RepositoryKeys;
  /** ms since 1970. */
  readonly now: number;
}): InitialMetadata {
  const { keys, now } = options;
  const ids = [keys.root, keys.release, keys.online, keys.round].map((key) => key.id);
  if (new Set(ids).size !== ids.length) {
    throw new SelvedgeError("invalid_argument", "two roles have the same key", {
      at: "release keys",
      fix: "make one key each for root, release, online and round",
    });
  }
  const targets = signFirstTargets(keys.release, keys.round, now);
  const versions = { snapshot: 1, timestamp: 1 };
  return {
    root: signFirstRoot(keys, now),
    targets,
    ...signOnlineMetadata(parseTargets(targets, "targets.json"), versions, keys.online, now),
  };
}
