import { type Digest, isDigest, limits } from "@selvedge/protocol";
import { type Descriptor, mediaTypes } from "./descriptor.ts";
import { DistributionError } from "./distribution-error.ts";

/** What a registry has to know of a manifest or an index. */
export interface Manifest {
  readonly mediaType: string;
  /** Bytes that a manifest consists of; none for an index. */
  readonly blobs: readonly Descriptor[];
  /** Manifests that an index names. */
  readonly manifests: readonly Descriptor[];
  /** What it refers to (referrers). */
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/**
 * @param mediaType - as it was declared when it came; must be that of the document.
 * @throws DistributionError `MANIFEST_INVALID`, `SIZE_INVALID`.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Manifest {
  if (bytes.length > limits.imageManifestBytesMax) {
    throw new DistributionError("SIZE_INVALID", `more than ${limits.imageManifestBytesMax} bytes`);
  }
  const value = jsonObject(bytes);
  const stated = value.mediaType ?? mediaType;
  if (stated !== mediaType) throw invalid(`it is ${short(stated)}, not ${short(mediaType)}`);
  const isIndex = mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
  const isManifest = mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
  if (!isIndex && !isManifest) throw invalid(`not a media type of a manifest: ${short(mediaType)}`);
  const config = isManifest ? descriptorOf(value.config, "config") : undefined;
  return {
    mediaType,
    blobs: config === undefined ? [] : [config, ...descriptorsOf(value.layers, "layers")],
    manifests: isIndex ? descriptorsOf(value.manifests, "manifests") : [],
    subject: value.subject === undefined ? undefined : descriptorOf(value.subject, "subject").digest,
    artifactType: textOf(value.artifactType) ?? config?.mediaType,
    annotations: textsOf(value.annotations),
  };
}

/** @throws DistributionError `MANIFEST_INVALID` for what is not JSON in UTF-8, or no object. */
export function jsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("it is not JSON");
  }
  if (!isObject(value)) throw invalid("it is not a JSON object");
  return value;
}

function descriptorsOf(value: unknown, field: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${field} is not a list`);
  if (value.length > descriptorsMax) throw invalid(`${field} has more than ${descriptorsMax} entries`);
  return value.map((one: unknown, at) => descriptorOf(one, `${field}[${at}]`));
}

function descriptorOf(value: unknown, field: string): Descriptor {
  if (!isObject(value)) throw invalid(`${field} is not an object`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string") throw invalid(`${field} has no mediaType`);
  if (typeof digest !== "string" || !isDigest(digest)) throw invalid(`${field} has no SHA-256 digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${field} has no size`);
  const { platform } = value;
  if (!isObject(platform)) return { mediaType, digest, size };
  const [architecture, os] = [textOf(platform.architecture), textOf(platform.os)];
  if (architecture === undefined || os === undefined) throw invalid(`${field} has half a platform`);
  return { mediaType, digest, size, platform: { architecture, os } };
}

function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined;
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): DistributionError {
  return new DistributionError("MANIFEST_INVALID", `not a manifest: ${message}`);
}

function short(value: unknown): string {
  return `"${String(value).slice(0, 80)}"`;
}

const descriptorsMax = 1_000;
