import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, isDigest, limits, SelvedgeError } from "@selvedge/protocol";
import { fileError, ifThere } from "@selvedge/storage";
import { type Descriptor, mediaTypes, type OciDocument } from "./descriptor.ts";
import { jsonObject, type Manifest, parseManifest } from "./manifest.ts";
import { ociDocument } from "./oci-document.ts";

/** Where manifests and blobs come from: a registry, or a folder. */
export interface ImageSource {
  /** @param reference - a tag, or a digest. */
  manifest(reference: string): Promise<OciDocument>;
  blob(digest: Digest): AsyncIterable<Uint8Array>;
}

/** Where they go to; what is there already is not brought again. */
export interface ImageTarget {
  putBlob(blob: Descriptor, stream: () => AsyncIterable<Uint8Array>): Promise<void>;
  /** @param tag - undefined for what is only named by its digest. */
  putManifest(document: OciDocument, tag: string | undefined): Promise<void>;
}

/**
 * Copies an image, all its architectures, byte for byte: digests stay the same.
 *
 * @param tag - undefined to leave it without one.
 * @returns what was copied.
 */
export async function copyImage(
  source: ImageSource,
  reference: string,
  target: ImageTarget,
  tag?: string,
): Promise<OciDocument> {
  const document = await source.manifest(reference);
  await copyParts(source, document, target);
  await target.putManifest(document, tag);
  return document;
}

async function copyParts(
  source: ImageSource,
  { bytes, descriptor }: OciDocument,
  target: ImageTarget,
): Promise<void> {
  const { blobs, manifests }: Manifest = parseManifest(bytes, descriptor.mediaType);
  for (const blob of blobs) await target.putBlob(blob, () => source.blob(blob.digest));
  for (const { digest } of manifests) {
    const child = await source.manifest(digest);
    await copyParts(source, child, target);
    await target.putManifest(child, undefined);
  }
}

/** A folder laid out as image-spec v1.1 says (image-layout.md): what `podman load` and `skopeo` read. */
export class OciLayout implements ImageSource, ImageTarget {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes an empty one. @throws SelvedgeError as `fileError`; `already_exists` for a folder in use. */
  static async create(folder: string): Promise<OciLayout> {
    try {
      if ((await ifThere(folder, stat(join(folder, "index.json")))) !== undefined) throw inUse(folder);
      await mkdir(join(folder, "blobs/sha256"), { recursive: true });
      await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    } catch (thrown) {
      throw fileError(thrown, folder);
    }
    return new OciLayout(folder);
  }

  /** @param reference - a tag, a digest, or "" for the only image there is. */
  async manifest(reference: string): Promise<OciDocument> {
    const found = reference.startsWith("sha256:") ? undefined : await this.#named(reference);
    const digest = found?.digest ?? (reference as Digest);
    const bytes = await this.#read(this.#path(digest), limits.imageManifestBytesMax);
    if (digestOf(bytes) !== digest) throw damaged(this.#path(digest));
    const mediaType = found?.mediaType ?? mediaTypeIn(bytes, this.#path(digest));
    return { bytes, descriptor: { mediaType, digest, size: bytes.length } };
  }

  async *blob(digest: Digest): AsyncGenerator<Uint8Array> {
    const path = this.#path(digest);
    try {
      yield* createReadStream(path);
    } catch (thrown) {
      throw fileError(thrown, path);
    }
  }

  /** @throws SelvedgeError as `fileError`; `corrupt` when other bytes come than the descriptor says. */
  async putBlob(blob: Descriptor, stream: () => AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#path(blob.digest);
    if ((await ifThere(path, stat(path)))?.size === blob.size) return;
    try {
      await writeBlob(`${path}.part`, blob, stream());
      await rename(`${path}.part`, path);
    } finally {
      await rm(`${path}.part`, { force: true });
    }
  }

  async putManifest({ bytes, descriptor }: OciDocument, tag: string | undefined): Promise<void> {
    await writeFile(this.#path(descriptor.digest), bytes);
    if (tag === undefined) return;
    const annotations = { "org.opencontainers.image.ref.name": tag };
    const index = ociDocument(mediaTypes.index, {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ ...descriptor, annotations }],
    });
    await writeFile(join(this.#folder, "index.json"), index.bytes);
  }

  async #named(tag: string): Promise<Descriptor> {
    const path = join(this.#folder, "index.json");
    const all = descriptorsIn(await this.#read(path, limits.imageManifestBytesMax), path);
    const named = all.filter(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === tag);
    const [found, other] = tag === "" ? all : named;
    if (found !== undefined && other === undefined) return found;
    throw new SelvedgeError("not_found", `the layout has ${all.length} images, and not one "${tag}"`, {
      at: path,
    });
  }

  async #read(path: string, bytesMax: number): Promise<Uint8Array> {
    const bytes = await readFile(path).catch((thrown: unknown) => {
      throw fileError(thrown, path);
    });
    if (bytes.length <= bytesMax) return bytes;
    throw new SelvedgeError("too_large", `more than ${bytesMax} bytes`, { at: path });
  }

  #path(digest: Digest): string {
    return join(this.#folder, "blobs/sha256", digest.slice("sha256:".length));
  }
}

async function writeBlob(
  path: string,
  { digest, size }: Descriptor,
  stream: AsyncIterable<Uint8Array>,
): Promise<void> {
  const hash = createHash("sha256");
  let length = 0;
  const file = await open(path, "w").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  try {
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > size) break;
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (length === size && `sha256:${hash.digest("hex")}` === digest) return;
  throw new SelvedgeError("corrupt", "other bytes came than those of the digest", { at: digest });
}

/** What an index names, with its annotations. @throws SelvedgeError `corrupt` */
function descriptorsIn(bytes: Uint8Array, path: string): readonly Descriptor[] {
  const { manifests } = objectIn(bytes, path);
  const isWhole =
    Array.isArray(manifests) &&
    manifests.every((one) => typeof one?.mediaType === "string" && isDigest(String(one.digest)));
  if (isWhole) return manifests;
  throw damaged(path);
}

function mediaTypeIn(bytes: Uint8Array, path: string): string {
  const { mediaType, manifests } = objectIn(bytes, path);
  if (typeof mediaType === "string") return mediaType;
  return manifests === undefined ? mediaTypes.manifest : mediaTypes.index;
}

function objectIn(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  try {
    return jsonObject(bytes);
  } catch {
    throw damaged(path);
  }
}

function inUse(folder: string): SelvedgeError {
  return new SelvedgeError("already_exists", "there is an OCI layout already", {
    at: folder,
    fix: "give a folder that does not exist",
  });
}

function damaged(path: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the file is not what its name says", {
    at: path,
    fix: "copy the layout again",
  });
}
