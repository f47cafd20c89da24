import type { BlobReference, Digest } from "@selvedge/protocol";
import type { Release } from "../release.ts";
import { type Descriptor, mediaTypes, type OciDocument, type Platform } from "./descriptor.ts";
import { ociDocument } from "./oci-document.ts";

/** Configuration of an image (image-spec, config.md); what we do not touch is passed on. */
export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly config?: { readonly Labels?: Readonly<Record<string, string>> };
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly object[];
}

/** What every model runs on: for each architecture, layers with Node, ONNX Runtime and the server. */
export interface RuntimeImage {
  /** Of its index, or of its manifest when it is for one architecture. */
  readonly digest: Digest;
  readonly platforms: readonly RuntimePlatform[];
}

export interface RuntimePlatform {
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
}

export interface ReleaseImageOptions {
  readonly release: Release;
  /** The archive of `modelLayer`. */
  readonly layer: BlobReference;
  readonly runtime: RuntimeImage;
  /** When the model was made, Unix milliseconds. */
  readonly createdAtMs: number;
}

export interface ReleaseImage {
  readonly index: OciDocument;
  readonly manifests: readonly OciDocument[];
  readonly configs: readonly OciDocument[];
}

/** Puts a model on a runtime. The same arguments give the same bytes. */
export function releaseImage(options: ReleaseImageOptions): ReleaseImage {
  const annotations = releaseAnnotations(options.release, options.createdAtMs);
  const onRuntime = { ...annotations, "org.opencontainers.image.base.digest": options.runtime.digest };
  const layer = layerDescriptor(options.layer, options.release);
  const images = options.runtime.platforms.map(({ layers, config }) => {
    const { architecture, os, variant } = config;
    const platform = { architecture, os, ...(variant !== undefined && { variant }) };
    const configuration = ociDocument(mediaTypes.config, configOf(config, options));
    const manifest = ociDocument(
      mediaTypes.manifest,
      {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: configuration.descriptor,
        layers: [...layers, layer],
        annotations: onRuntime,
      },
      { platform },
    );
    return { configuration, manifest };
  });
  return {
    index: ociDocument(mediaTypes.index, {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: images.map(({ manifest }) => manifest.descriptor),
      annotations: onRuntime,
    }),
    manifests: images.map(({ manifest }) => manifest),
    configs: images.map(({ configuration }) => configuration),
  };
}

/** Annotations that say which model this is (image-spec, annotations.md). */
export function releaseAnnotations(release: Release, createdAtMs: number): Readonly<Record<string, string>> {
  return {
    "org.opencontainers.image.created": new Date(createdAtMs).toISOString(),
    "org.opencontainers.image.title": release.name,
    "org.opencontainers.image.version": String(release.version),
    "selvedge.model.digest": release.blob.digest,
    "selvedge.job": release.job,
  };
}

function layerDescriptor(layer: BlobReference, { name, version }: Release): Descriptor {
  return {
    mediaType: mediaTypes.layer,
    digest: layer.digest,
    size: layer.length,
    annotations: { "org.opencontainers.image.title": `${name}-${version}.tar` },
  };
}

function configOf(base: ImageConfig, { release, layer, createdAtMs }: ReleaseImageOptions): ImageConfig {
  const created = new Date(createdAtMs).toISOString();
  const step = { created, created_by: `selvedge release ${release.job}`, comment: modelLabel(release) };
  return {
    ...base,
    created,
    config: {
      ...base.config,
      Labels: {
        ...base.config?.Labels,
        "selvedge.model": modelLabel(release),
        "selvedge.model.digest": release.blob.digest,
      },
    },
    // A layer that is not compressed is its own diff id.
    rootfs: { type: "layers", diff_ids: [...base.rootfs.diff_ids, layer.digest] },
    history: [...(base.history ?? []), step],
  };
}

function modelLabel({ name, version }: Release): string {
  return `${name}@${version}`;
}
