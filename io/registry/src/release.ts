import { type BlobReference, limits, namePattern, SelvedgeError } from "@selvedge/protocol";
import type { Targets } from "@tufjs/models";
import { TargetFile } from "@tufjs/models";
import { type SignedMetadata, untrusted } from "./signed-metadata.ts";

/** One model version signed with the release key. */
export interface Release {
  readonly name: string;
  /** Grows by one with each release of this name, from 1. */
  readonly version: number;
  /** The ONNX model. */
  readonly blob: BlobReference;
  /** The job that trained it. */
  readonly job: string;
}

/** TUF target path of a release. */
function releasePath(name: string, version: number): string {
  return `releases/${name}/${version}/model.onnx`;
}

export function releaseToTarget(release: Release): TargetFile {
  const { name, version, job, blob } = release;
  return new TargetFile({
    path: releasePath(name, version),
    length: blob.length,
    hashes: { sha256: blob.digest.slice("sha256:".length) },
    unrecognizedFields: { custom: { name, version, job } },
  });
}

/**
 * Releases that a targets document lists, by name and then version. Targets
 * outside `releases/` are skipped, so that a later kind does not stop a device.
 *
 * @throws SelvedgeError `untrusted` when an entry under `releases/` is malformed.
 */
export function releasesOf(targets: SignedMetadata<Targets>, at: string): readonly Release[] {
  return Object.values(targets.signed.targets)
    .filter((target) => target.path.startsWith("releases/"))
    .map((target) => targetToRelease(target, at))
    .sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1));
}

/** The release with the highest version of each name; expects `releasesOf` order. */
export function newestByName(releases: readonly Release[]): ReadonlyMap<string, Release> {
  return new Map(releases.map((release) => [release.name, release]));
}

/** @throws SelvedgeError `too_large` when an encoded release list has outgrown what devices read. */
export function checkListSize(bytes: Uint8Array, at: string): void {
  if (bytes.length <= limits.releaseListBytesMax) return;
  throw new SelvedgeError(
    "too_large",
    `the release list is larger than ${limits.releaseListBytesMax} bytes`,
    {
      at,
      fix: "start a new release repository; this one is full",
    },
  );
}

/** @throws SelvedgeError `untrusted` when the target carries no usable SHA-256 or length. */
export function targetToBlob(target: TargetFile, at: string): BlobReference {
  const hash = target.hashes.sha256;
  if (hash === undefined || !/^[0-9a-f]{64}$/.test(hash)) {
    throw untrusted(`target "${target.path}" has no SHA-256`, at);
  }
  const { length } = target;
  if (!Number.isSafeInteger(length) || length < 1 || length > limits.blobBytesMax) {
    throw untrusted(`target "${target.path}" has length ${length}, outside 1 to ${limits.blobBytesMax}`, at);
  }
  return { digest: `sha256:${hash}`, length };
}

function targetToRelease(target: TargetFile, at: string): Release {
  const { name, version, job } = target.custom;
  const wellFormed =
    typeof name === "string" &&
    namePattern.test(name) &&
    typeof version === "number" &&
    Number.isSafeInteger(version) &&
    version >= 1 &&
    typeof job === "string" &&
    namePattern.test(job);
  if (!wellFormed || target.path !== releasePath(name, version)) {
    throw untrusted(`target "${target.path.slice(0, 200)}" is not a well-formed release`, at);
  }
  return { name, version, job, blob: targetToBlob(target, at) };
}
