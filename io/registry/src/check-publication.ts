import { isDeepStrictEqual } from "node:util";
import { limits, SelvedgeError } from "@selvedge/protocol";
import type { Root, Targets } from "@tufjs/models";
import { checkListSize, type Release, releasesOf } from "./release.ts";
import { roundRole } from "./round-metadata.ts";
import {
  checkFresh,
  checkSignatures,
  parseRoot,
  parseTargets,
  type SignedMetadata,
} from "./signed-metadata.ts";

const at = "new targets.json";

/**
 * Checks new targets metadata before the coordinator vouches for it: signed
 * with the release key, and only adding to what is there.
 *
 * @param now - ms since 1970.
 * @throws SelvedgeError `untrusted` when it is wrongly signed, malformed or
 * expired, `too_large`, `conflict` when it does not follow `current`,
 * `invalid_argument` when it takes back or changes a release, skips a version,
 * or delegates anything but rounds.
 */
export function checkPublication(
  bytes: Uint8Array,
  current: SignedMetadata<Targets>,
  root: SignedMetadata<Root>,
  now: number,
): SignedMetadata<Targets> {
  checkListSize(bytes, at);
  const next = parseTargets(bytes, at);
  checkSignatures(root.metadata, "targets", next, at);
  checkFresh(next.signed, now, at);
  if (next.signed.version !== current.signed.version + 1) {
    throw new SelvedgeError(
      "conflict",
      `version is ${next.signed.version}, and ${current.signed.version} is current`,
      { at, fix: "fetch the current release list and add the release to that" },
    );
  }
  const releases = releasesOf(next, at);
  if (releases.length !== Object.keys(next.signed.targets).length) {
    throw refused("it lists targets that are not releases");
  }
  checkOnlyAdded(releasesOf(current, "targets.json"), releases);
  checkRoundDelegation(next.signed, root.signed);
  return next;
}

/**
 * Checks root metadata that is to follow `current`, as devices will (TUF §5.3.4-5).
 *
 * @throws SelvedgeError `untrusted` when it is wrongly signed, malformed or
 * expired, `too_large`, `conflict` when another version must follow.
 */
export function checkNextRoot(
  bytes: Uint8Array,
  current: SignedMetadata<Root>,
  now: number,
): SignedMetadata<Root> {
  const at = "new root.json";
  if (bytes.length > limits.rootMetadataBytesMax) {
    throw new SelvedgeError("too_large", `larger than ${limits.rootMetadataBytesMax} bytes`, { at });
  }
  const next = parseRoot(bytes, at);
  checkSignatures(current.metadata, "root", next, at);
  checkSignatures(next.metadata, "root", next, at);
  checkFresh(next.signed, now, at);
  if (next.signed.version === current.signed.version + 1) return next;
  throw new SelvedgeError(
    "conflict",
    `version is ${next.signed.version}, and ${current.signed.version} is current`,
    { at, fix: "sign the root that follows the current one" },
  );
}

function checkOnlyAdded(before: readonly Release[], after: readonly Release[]): void {
  const kept = new Map(after.map((release) => [`${release.name}@${release.version}`, release]));
  for (const release of before) {
    const id = `${release.name}@${release.version}`;
    if (!isDeepStrictEqual(kept.get(id), release)) throw refused(`it changes or takes back ${id}`);
  }
  const counters = new Map<string, number>();
  for (const { name, version } of after) {
    const expected = (counters.get(name) ?? 0) + 1;
    if (version !== expected) throw refused(`${name}@${version} is where ${name}@${expected} must follow`);
    counters.set(name, version);
  }
}

function checkRoundDelegation({ delegations }: Targets, root: Root): void {
  const roles = Object.values(delegations?.roles ?? {});
  const [rounds] = roles;
  const isRounds = rounds?.name === roundRole && rounds.terminating;
  if (roles.length !== 1 || !isRounds || !rounds.paths?.every((path) => path.startsWith("rounds/"))) {
    throw refused(`it must delegate to the role "${roundRole}", terminating, below rounds/, and to no other`);
  }
  if (rounds.keyIDs.some((id) => root.roles.targets?.keyIDs.includes(id))) {
    throw refused("a release key may not also sign rounds");
  }
}

function refused(reason: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", reason, {
    at,
    fix: "add releases to the current list, one version after the other, and change nothing else",
  });
}
