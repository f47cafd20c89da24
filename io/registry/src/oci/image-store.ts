import { type BlobReference, type Digest, digestOf } from "@selvedge/protocol";
import { type BlobStore, type Json, readAll, type Store, type Write } from "@selvedge/storage";
import type { Descriptor, OciDocument } from "./descriptor.ts";
import { DistributionError } from "./distribution-error.ts";
import type { Reference } from "./distribution-path.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { modelLayer, type ReleasedFile, streamSegments } from "./model-layer.ts";
import { lengthOf, type Segment } from "./tar-archive.ts";

export interface StoredManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Bytes of a layer or a configuration. */
export interface StoredBlob extends BlobReference {
  stream(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** What is put into a repository in one commit. */
export interface Addition {
  readonly manifests: readonly OciDocument[];
  readonly tags: Readonly<Record<string, Digest>>;
  /** Archives of a model that are served from the model's own blob. */
  readonly layers?: ReadonlyMap<Digest, ReleasedFile>;
}

/**
 * Repositories of images: manifests and tags are records, configurations and
 * layers are blobs, and the layer of a released model is made of the model's
 * blob as it is read. One per process: it is the only writer.
 */
export class ImageStore {
  readonly #store: Store;
  readonly #blobs: BlobStore;
  readonly #repositories = new Map<string, Repository>();
  readonly #public = new Set<string>();
  readonly #modelLayers = new Map<Digest, readonly Segment[]>();

  private constructor(store: Store, blobs: BlobStore) {
    this.#store = store;
    this.#blobs = blobs;
  }

  static async open(store: Store, blobs: BlobStore): Promise<ImageStore> {
    const images = new ImageStore(store, blobs);
    for await (const { key, value } of readAll(store, manifestPrefix)) {
      const [repository, digest] = splitKey(key, manifestPrefix);
      const { mediaType, text } = value as StoredText;
      const bytes = new TextEncoder().encode(text);
      images.#repository(repository).manifests.set(digest as Digest, {
        ...parseManifest(bytes, mediaType),
        size: bytes.length,
      });
    }
    for await (const { key, value } of readAll(store, tagPrefix)) {
      const [repository, tag] = splitKey(key, tagPrefix);
      images.#repository(repository).tags.set(tag, value as Digest);
    }
    for await (const { key, value } of readAll(store, layerPrefix)) {
      images.#modelLayers.set(
        key.slice(layerPrefix.length) as Digest,
        modelLayer(value as unknown as ReleasedFile),
      );
    }
    for await (const { key } of readAll(store, accessPrefix))
      images.#public.add(key.slice(accessPrefix.length));
    return images;
  }

  /** Whether strangers may pull from it. */
  isPublic(repository: string): boolean {
    return this.#public.has(repository);
  }

  async setPublic(repository: string, isPublic: boolean): Promise<void> {
    const value = isPublic ? "public" : undefined;
    await this.#store.commit({ writes: [{ key: accessPrefix + repository, value }] });
    if (isPublic) this.#public.add(repository);
    else this.#public.delete(repository);
  }

  has(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  /** In the order of bytes. */
  tags(repository: string): readonly string[] {
    return [...(this.#repositories.get(repository)?.tags.keys() ?? [])].sort();
  }

  /** @returns the digest behind a tag, or one that is there. */
  resolve(repository: string, reference: Reference): Digest | undefined {
    const found = this.#repositories.get(repository);
    if ("tag" in reference) return found?.tags.get(reference.tag);
    return found?.manifests.has(reference.digest) ? reference.digest : undefined;
  }

  async manifest(repository: string, reference: Reference): Promise<StoredManifest | undefined> {
    const digest = this.resolve(repository, reference);
    const record = digest && (await this.#store.read(manifestKey(repository, digest)));
    if (digest === undefined || record === undefined) return undefined;
    const { mediaType, text } = record.value as StoredText;
    const bytes = new TextEncoder().encode(text);
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  }

  /** What one of its manifests consists of, and nothing else that the coordinator has. */
  async blob(repository: string, digest: Digest): Promise<StoredBlob | undefined> {
    if (!this.#blobsOf(repository).has(digest)) return undefined;
    return this.blobAnywhere(digest);
  }

  /** Whether or not a manifest names it. */
  async blobAnywhere(digest: Digest): Promise<StoredBlob | undefined> {
    const segments = this.#modelLayers.get(digest);
    if (segments !== undefined) {
      const stream = (start: number, end: number) => streamSegments(segments, this.#blobs, start, end);
      return { digest, length: lengthOf(segments), stream };
    }
    const found = await this.#blobs.stat(digest);
    return found && { ...found, stream: (start, end) => this.#blobs.stream(digest, start, end) };
  }

  /** Manifests that name this one as their subject. */
  referrers(repository: string, subject: Digest): readonly Descriptor[] {
    const all = [...(this.#repositories.get(repository)?.manifests ?? [])];
    return all.flatMap(([digest, manifest]): Descriptor[] => {
      const { mediaType, size, artifactType, annotations } = manifest;
      if (manifest.subject !== subject) return [];
      return [
        {
          mediaType,
          digest,
          size,
          ...(artifactType !== undefined && { artifactType }),
          ...(annotations !== undefined && { annotations }),
        },
      ];
    });
  }

  /** Documents that are not there yet are added, tags moved; all of it or nothing. */
  async add(repository: string, { manifests, tags, layers = new Map() }: Addition): Promise<void> {
    const parsed = manifests.map(({ bytes, descriptor: { digest, mediaType, size } }) => ({
      digest,
      manifest: { ...parseManifest(bytes, mediaType), size },
      write: manifestWrite(repository, digest, mediaType, bytes),
    }));
    const tagWrites = Object.entries(tags).map(([tag, value]) => ({ key: tagKey(repository, tag), value }));
    const layerWrites = [...layers].map(([digest, file]) => ({
      key: layerPrefix + digest,
      value: layerJson(file),
    }));
    await this.#store.commit({ writes: [...parsed.map(({ write }) => write), ...tagWrites, ...layerWrites] });
    const target = this.#repository(repository);
    for (const { digest, manifest } of parsed) target.manifests.set(digest, manifest);
    for (const [tag, digest] of Object.entries(tags)) target.tags.set(tag, digest);
    for (const [digest, file] of layers) this.#modelLayers.set(digest, modelLayer(file));
  }

  /** Blobs that must stay. */
  *neededBlobs(): Iterable<Digest> {
    for (const name of this.#repositories.keys()) yield* this.#blobsOf(name);
    for (const segments of this.#modelLayers.values())
      for (const segment of segments) if (!(segment instanceof Uint8Array)) yield segment.digest;
  }

  /** @throws DistributionError `MANIFEST_BLOB_UNKNOWN`, for a part that is not in the repository. */
  checkWhole(repository: string, manifest: Manifest, hasBlob: (digest: Digest) => boolean): void {
    const found = this.#repositories.get(repository);
    const missing =
      manifest.blobs.find(({ digest }) => !hasBlob(digest)) ??
      manifest.manifests.find(({ digest }) => found?.manifests.has(digest) !== true);
    if (missing === undefined) return;
    throw new DistributionError("MANIFEST_BLOB_UNKNOWN", `this part is not in the repository`, {
      at: missing.digest,
      fix: "push it first",
    });
  }

  /** Whether a manifest of the repository names this blob. */
  names(repository: string, digest: Digest): boolean {
    return this.#blobsOf(repository).has(digest);
  }

  #blobsOf(repository: string): ReadonlySet<Digest> {
    const manifests = [...(this.#repositories.get(repository)?.manifests.values() ?? [])];
    return new Set(manifests.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
  }

  #repository(name: string): Repository {
    const found = this.#repositories.get(name) ?? { manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, found);
    return found;
  }
}

interface Repository {
  readonly manifests: Map<Digest, Manifest & { readonly size: number }>;
  readonly tags: Map<string, Digest>;
}

type StoredText = { readonly mediaType: string; readonly text: string };

function manifestWrite(repository: string, digest: Digest, mediaType: string, bytes: Uint8Array): Write {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (digestOf(new TextEncoder().encode(text)) !== digest)
    throw new DistributionError("MANIFEST_INVALID", "not UTF-8 as it would be written again");
  return { key: manifestKey(repository, digest), value: { mediaType, text } };
}

function layerJson({ name, version, blob: { digest, length } }: ReleasedFile): Json {
  return { name, version, blob: { digest, length } };
}

/** Repository names have slashes, what follows them has none. */
function splitKey(key: string, prefix: string): readonly [repository: string, rest: string] {
  const at = key.lastIndexOf("/");
  return [key.slice(prefix.length, at), key.slice(at + 1)];
}

function manifestKey(repository: string, digest: Digest): string {
  return `${manifestPrefix}${repository}/${digest}`;
}

function tagKey(repository: string, tag: string): string {
  return `${tagPrefix}${repository}/${tag}`;
}

const manifestPrefix = "image-manifest/";
const tagPrefix = "image-tag/";
const layerPrefix = "image-layer/";
const accessPrefix = "image-access/";
